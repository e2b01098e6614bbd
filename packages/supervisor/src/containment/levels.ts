/**
 * How well a child is kept from the rest of the machine.
 * - `none`: its own process group, an environment of its own, nothing else.
 * - `basic`: no new privileges, limits on memory, files and core dumps.
 * - `medium`: also its own processes, mounts and IPC names; it sees no process of the host.
 * - `strong`: also only the folders that it is given, and no network.
 */
export const containmentLevels = ['none', 'basic', 'medium', 'strong'] as const;
export type ContainmentLevel = (typeof containmentLevels)[number];

/** Whether `level` keeps at least as much away as `minimum`. */
export function isAtLeast(level: ContainmentLevel, minimum: ContainmentLevel): boolean {
  return containmentLevels.indexOf(level) >= containmentLevels.indexOf(minimum);
}

/** The weaker of two. */
export function weaker(one: ContainmentLevel, other: ContainmentLevel): ContainmentLevel {
  return isAtLeast(one, other) ? other : one;
}
