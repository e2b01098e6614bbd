import { hasEnded } from '../../client/runs.ts';
import type { Run, RunEvent, Step } from '../../client/runs.ts';

/** A run that has nothing under way and records nothing for this long has been forgotten: a new owner takes over within 4 s. */
const stuckMs = 15_000;
/** Dollars are sums of fractions. */
const slack = 1e-6;
/** One broken run must not fill the screen. */
const findingsMax = 20;

/** Looks at what is recorded of one run, event by event, and then at what it says of itself. */
export class RunCheck {
  readonly findings: string[] = [];
  events = 0;
  /** Steps and items with a recorded result. */
  results = 0;
  readonly #outcomes = new Map<string, string>();
  readonly #begun = new Set<string>();
  readonly #fanned = new Set<string>();
  #last: RunEvent | undefined;
  #end: RunEvent | undefined;

  /** The next event, in the order in which they are given out. */
  add(event: RunEvent): void {
    const { seq, type, step = '' } = event;
    this.events++;
    if (this.#last === undefined && (seq !== 0 || type !== 'run.started')) this.#find(`it begins with ${type}, number ${seq}`);
    if (this.#last !== undefined && seq <= this.#last.seq) this.#find(`event ${seq} comes after event ${this.#last.seq}`);
    if (this.#last !== undefined && type === 'run.started') this.#find(`it starts again at event ${seq}`);
    if (this.#end !== undefined) this.#find(`${type} (event ${seq}) comes after its end`);
    this.#last = event;
    if (/^run\.(?:succeeded|failed|cancelled)$/.test(type)) this.#end = event;
    if (type === 'step.queued' && event.attempt === undefined) this.#fanned.add(step);
    if (type === 'step.started') {
      const attempt = `${step} attempt ${event.attempt ?? 1}`;
      if (this.#begun.has(attempt)) this.#find(`${attempt} begins twice, again at event ${seq}`);
      this.#begun.add(attempt);
    }
    if (type === 'step.succeeded' || type === 'step.degraded' || type === 'step.failed' || type === 'step.skipped') {
      const before = this.#outcomes.get(step);
      if (before !== undefined) this.#find(`${step} ends twice: ${before}, and ${type} at event ${seq}`);
      this.#outcomes.set(step, type);
      this.results++;
    }
  }

  /** After the last event. `run` and `steps` were read before the first. */
  end(run: Run, steps: readonly Step[], now: number): void {
    this.#budgets(run);
    if (this.events === 0) this.#find('nothing is recorded of it');
    else if (hasEnded(run.status)) this.#endedRun(run, steps);
    else this.#liveRun(run, steps, now);
  }

  /** The ledger of a budget is the sum of what attempts said, and never over its limit. */
  #budgets({ budgets = [], usage }: Run): void {
    if (budgets.length === 0) return;
    const told = new Map([
      ['tokens', usage.inputTokens + usage.outputTokens],
      ['costUsd', usage.costUsd],
    ]);
    for (const { of, measure, limit, spent, held, unreported } of budgets) {
      if (spent + held > limit + slack)
        this.#find(`the budget of ${of} is overshot: ${spent} ${measure} spent and ${held} held of ${limit}`);
      const said = of === 'run' ? told.get(measure) : undefined;
      if (said !== undefined && Math.abs(spent - unreported - said) > slack)
        this.#find(`its budget says ${spent - unreported} ${measure}, its attempts ${said}`);
    }
  }

  #endedRun({ status }: Run, steps: readonly Step[]): void {
    if (this.#end?.type !== `run.${status}`) this.#find(`it is ${status}, and its end is ${this.#end?.type ?? 'not recorded'}`);
    for (const { key, status: now } of steps) {
      if (now === 'running' || now === 'queued' || now === 'waiting') this.#find(`it has ended, and ${key} is ${now}`);
      const recorded = this.#outcomes.get(key);
      const isJoin = this.#fanned.has(key); // ends with its items
      if (now === 'succeeded' && recorded !== 'step.succeeded' && recorded !== 'step.degraded' && !isJoin)
        this.#find(`${key} is succeeded, and recorded is ${recorded ?? 'nothing'}`);
      if (now !== 'succeeded' && recorded === 'step.succeeded') this.#find(`${key} is ${now}, and recorded is ${recorded}`);
    }
  }

  #liveRun({ status, reason }: Run, steps: readonly Step[], now: number): void {
    if (reason === 'quarantined') this.#find('it is set aside, and waits for a person');
    if (this.#end !== undefined) return; // it ended while it was looked at
    const isUnderWay = steps.some((step) => step.status === 'running' || step.status === 'queued' || step.status === 'waiting');
    const silentMs = now - Date.parse(this.#last?.at ?? '');
    if (!isUnderWay && silentMs > stuckMs)
      this.#find(`it is ${status} with nothing under way, and records nothing for ${Math.round(silentMs / 1000)} s`);
  }

  #find(sentence: string): void {
    if (this.findings.length < findingsMax) this.findings.push(sentence);
  }
}
