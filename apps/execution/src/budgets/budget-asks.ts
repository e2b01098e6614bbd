import { log } from '@signalbox/shared/telemetry/log.js';
import type { Limits } from '@signalbox/workflow/core/budget.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveRun } from '../shards/live-run.ts';
import type { Owner } from '../shards/owner.ts';
import type { BudgetLedger } from './budget-ledger.ts';

const againMs = 250;
/** How often a run asks again that was refused while calls of its own may still make room; those may take hours. */
const refusedAgainMs = 1_000;
/** How long a run waits for what others may give back when they end, on average: where all wait for each other, one gives up first. */
const patienceMs = 2_000;

/** Asks the budgets above runs for more, one question at a time for each run and budget. */
export class BudgetAsks {
  private readonly asking = new WeakMap<LiveRun, Set<string>>();

  constructor(
    private readonly owner: Owner,
    private readonly ledger: BudgetLedger,
  ) {}

  /** Something of the run waits for more of this budget. */
  ask(run: LiveRun, scope: string): void {
    const scopes = this.asking.get(run) ?? new Set();
    this.asking.set(run, scopes);
    if (scopes.has(scope)) return;
    scopes.add(scope);
    void this.answer(run, scope, scopes).catch((err: unknown) => log.error('a budget was not asked', { run: run.id, scope, err }));
  }

  /** Until nothing waits for it any more. */
  private async answer(run: LiveRun, scope: string, asking: Set<string>): Promise<void> {
    try {
      const until = performance.now() + patience();
      for (let wants = this.wantsOf(run, scope); wants !== undefined; wants = this.wantsOf(run, scope)) {
        const have = { ...run.state.budget?.above.get(scope)?.limit };
        const answer = await this.ledger.take({ workspace: run.workspace, scope, run: run.uuid, have, wants }).catch((err: unknown) => {
          log.warn('a budget is asked again', { run: run.id, scope, err });
          return null;
        });
        if (this.wantsOf(run, scope) === undefined) return;
        if (answer === undefined) return;
        if (answer === null) await sleep(againMs);
        else if ('more' in answer) this.owner.feed(run, { type: 'granted', scope, more: answer.more });
        else if (answer.mayComeBack && performance.now() < until) await sleep(againMs);
        else {
          this.owner.feed(run, { type: 'denied', scope, error: answer.error });
          if (this.wantsOf(run, scope) !== undefined) await sleep(refusedAgainMs);
        }
      }
    } finally {
      asking.delete(scope);
    }
  }

  /** What the first needs that waits for it; undefined: nothing does, or the run is another's. */
  private wantsOf(run: LiveRun, scope: string): Limits | undefined {
    return this.owner.find(run.uuid) === run ? wantsOf(run.state, scope) : undefined;
  }
}

function patience(): number {
  return patienceMs * (0.5 + Math.random());
}

function wantsOf({ steps, short, status }: RunState, scope: string): Limits | undefined {
  if (short === 0 || status !== 'running') return undefined;
  for (const { status: open, units } of steps) {
    if (open !== 'open') continue;
    for (const unit of units) if (unit.short?.of === scope) return unit.short.wants;
  }
  return undefined;
}
