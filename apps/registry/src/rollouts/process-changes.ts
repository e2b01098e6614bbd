/** Processes of a version that is rolled out have slots from here on; those of the current version, 64 at most, lie below. */
export const candidateSlots = 1_000;

/** A process that the local runner has for an agent. */
export interface ProcessSlot {
  slot: number;
  version: number;
  /** Its instance beats. */
  isUp: boolean;
  /** It finishes its last tasks, and counts no more. */
  isEnding: boolean;
}

/** Which processes an agent is to have. */
export interface WantedProcesses {
  current: { version: number; replicas: number };
  /** What is rolled out: so many processes of it. `replaces`: for each that is up one of the current version ends. */
  candidate: { version: number; count: number; replaces: boolean } | null;
  /** The current version has just been rolled out, or gone back to: processes of others are replaced, one after the other. */
  isPromoted: boolean;
}

export interface ProcessChanges {
  end: number[];
  begin: { slot: number; version: number }[];
}

/** What is to be done next so that the processes are as they should be; nothing where they are. */
export function processChanges({ current, candidate, isPromoted }: WantedProcesses, slots: readonly ProcessSlot[]): ProcessChanges {
  const of = slots.filter(({ slot, isEnding }) => slot >= candidateSlots && !isEnding);
  const base = slots.filter(({ slot, isEnding }) => slot < candidateSlots && !isEnding).sort((left, right) => left.slot - right.slot);
  const lacking = (replicas: number): { slot: number; version: number }[] =>
    freePlaces(slots, replicas - base.length).map((slot) => ({ slot, version: current.version }));
  if (candidate !== null) {
    const isWanted = ({ slot, version }: ProcessSlot): boolean => version === candidate.version && slot < candidateSlots + candidate.count;
    const up = of.filter((one) => isWanted(one) && one.isUp).length;
    const stay = candidate.replaces ? Math.max(0, current.replicas - up) : current.replicas;
    return {
      end: [...of.filter((one) => !isWanted(one)), ...base.slice(stay)].map(({ slot }) => slot),
      begin: [...missing(of, candidateSlots, candidate.count).map((slot) => ({ slot, version: candidate.version })), ...lacking(stay)],
    };
  }
  // Calls go to the version that was there before again: all of its processes at once.
  if (!isPromoted) return { end: of.map(({ slot }) => slot), begin: lacking(current.replicas) };
  const fresh = base.filter(({ version }) => version === current.version);
  // One that is on its way is waited for.
  if (fresh.some(({ isUp }) => !isUp)) return { end: [], begin: [] };
  const stale = base.find(({ version }) => version !== current.version);
  if (stale !== undefined) {
    const isKept = base.length <= current.replicas;
    return { end: [stale.slot], begin: isKept ? [{ slot: stale.slot, version: current.version }] : [] };
  }
  const next = lacking(current.replicas).slice(0, 1);
  if (next.length > 0) return { end: [], begin: next };
  return { end: of.map(({ slot }) => slot), begin: [] };
}

function missing(slots: readonly ProcessSlot[], from: number, count: number): number[] {
  const there = new Set(slots.map(({ slot }) => slot));
  return Array.from({ length: count }, (_, index) => from + index).filter((slot) => !there.has(slot));
}

/** The lowest that nothing has, not even what finishes its last tasks. */
function freePlaces(slots: readonly ProcessSlot[], count: number): number[] {
  const there = new Set(slots.map(({ slot }) => slot));
  const places: number[] = [];
  for (let slot = 0; places.length < count; slot++) if (!there.has(slot)) places.push(slot);
  return places;
}
