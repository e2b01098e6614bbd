import { createHash } from 'node:crypto';
import { parseTask } from '@signalbox/shared/contracts/execution/task-id.js';
import type { AgentRoute, RoutedCandidate } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import type { QueuedTask } from './queued-task.ts';

const labelPrefix = 'label:';

/** What of a task decides which version it goes to. */
export type Routable = Pick<QueuedTask, 'id' | 'idempotencyKey' | 'labels'>;

/**
 * The version of its agent that a task goes to. The same for all attempts of a unit, and for a larger share the same where it was the new one: what decides is a hash of
 * the rollout and of what sticks together.
 */
export function versionFor({ version, candidate }: AgentRoute, task: Routable): number {
  if (candidate === undefined) return version;
  if (hasLabels(task, candidate)) return candidate.version;
  if (candidate.share <= 0) return version;
  return candidate.share >= 1 || pointOf(candidate, task) < candidate.share ? candidate.version : version;
}

/** Whether a call that the stable version had goes to the new one as well: by another hash than the one that chose the version. */
export function isMirrored(
  { rollout }: Pick<RoutedCandidate, 'rollout'>,
  share: number,
  { idempotencyKey }: Pick<Routable, 'idempotencyKey'>,
): boolean {
  return share > 0 && (share >= 1 || evenly(`mirror ${rollout} ${idempotencyKey}`) < share);
}

function hasLabels({ labels }: Routable, { labels: wanted }: RoutedCandidate): boolean {
  return wanted !== undefined && Object.entries(wanted).every(([name, value]) => labels?.[name] === value);
}

/** From 0 to 1, evenly over keys. */
function pointOf({ rollout, stickBy }: RoutedCandidate, task: Routable): number {
  return evenly(`${rollout} ${keyOf(stickBy, task)}`);
}

function evenly(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32;
}

/** A run without the label sticks by itself. */
function keyOf(stickBy: string, { id, idempotencyKey, labels }: Routable): string {
  if (stickBy === 'call') return idempotencyKey;
  const label = stickBy.startsWith(labelPrefix) ? labels?.[stickBy.slice(labelPrefix.length)] : undefined;
  return label === undefined ? `run ${parseTask(id).run}` : `label ${label}`;
}
