import type { RunEvent, Step } from './runs.ts';

/** An event of a step, or a line of what was said of one of its attempts. */
export interface StepLogEntry extends RunEvent {
  /** How many lines of its attempt came before it and are not here. */
  dropped?: number;
}

/**
 * All that is known of one step, by time: its events, and as `step.progress` what was said of its attempts, be it kept (see `runs.step`) or heard live. What
 * goes on under the same words is one line.
 */
export function stepLog(run: string, { key, attempts }: Pick<Step, 'key' | 'attempts'>, events: readonly RunEvent[]): StepLogEntry[] {
  const kept = attempts.flatMap((attempt) => keptLines(run, key, attempt));
  const ofAttempt = Map.groupBy(kept, ({ attempt }) => attempt);
  const isKept = (event: RunEvent): boolean => {
    const lines = event.type === 'step.progress' ? ofAttempt.get(event.attempt) : undefined;
    const [first, last] = [lines?.[0], lines?.at(-1)];
    return first !== undefined && last !== undefined && timeOf(event) >= timeOf(first) && timeOf(event) <= timeOf(last);
  };
  const others = events.filter((event) => event.step === key && !isKept(event));
  const all: StepLogEntry[] = [...others, ...kept].sort((a, b) => timeOf(a) - timeOf(b));
  const entries: StepLogEntry[] = [];
  let seq = 0;
  for (const entry of all) {
    seq = Math.max(seq, entry.seq);
    const before = entries.at(-1);
    const isSame = isSaid(entry) && before?.type === entry.type && before.attempt === entry.attempt && before.message === entry.message;
    const { dropped, ...event } = entry;
    if (isSame) entries.pop();
    // Who has followed has some of what is not kept.
    const isHere = (each: StepLogEntry): boolean => isSaid(each) && each.attempt === entry.attempt;
    const missing = dropped === undefined ? (isSame ? (before.dropped ?? 0) : 0) : dropped - entries.filter(isHere).length;
    entries.push({ ...event, seq: isSaid(entry) ? seq : entry.seq, ...(missing > 0 && { dropped: missing }) });
  }
  return entries;
}

function keptLines(
  run: string,
  step: string,
  { number, agent, instance, log = [], logDropped = 0 }: Step['attempts'][number],
): StepLogEntry[] {
  const who = { run, step, attempt: number, ...(agent !== null && { agent }), ...(instance !== null && { instance }) };
  return log.map((line, index) => ({
    // As progress that is heard live, it gets the number of the event before it.
    seq: -1,
    type: 'step.progress',
    ...who,
    ...line,
    ...(index === 0 && logDropped > 0 && { dropped: logDropped }),
  }));
}

function isSaid({ type }: RunEvent): boolean {
  return type === 'step.progress';
}

function timeOf({ at }: RunEvent): number {
  return Date.parse(at);
}
