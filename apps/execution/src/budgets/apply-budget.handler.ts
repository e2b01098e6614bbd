import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyBudget, type ApplyBudgetReply, type ApplyBudgetRequest } from '@signalbox/shared/contracts/execution/apply-budget.js';
import type { BudgetView } from '@signalbox/shared/contracts/execution/budget-view.js';
import { labelsMax } from '@signalbox/shared/contracts/execution/start-run.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { measures } from '@signalbox/workflow/core/budget.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { diff, type Difference } from '@signalbox/workflow/language/diff.js';
import { requireVersion } from '../workflows/read-manifest.ts';
import { AboveBudgets } from './above-budgets.ts';
import { BudgetStore } from './budget.store.ts';

@Controller()
export class ApplyBudgetHandler {
  constructor(
    private readonly store: BudgetStore,
    private readonly above: AboveBudgets,
    private readonly audit: Audit,
  ) {}

  @Handles(applyBudget)
  async handle(@Payload() request: ApplyBudgetRequest, @FromCaller() caller: Caller): Promise<ApplyBudgetReply> {
    const { scope, limit, period = 'total', expectedVersion } = request;
    if (measures.every((measure) => limit[measure] === undefined)) {
      throw invalid('the budget limits nothing', 'Give at least one of tokens, costUsd and steps.', {
        pointer: '/limit',
        detail: 'must have tokens, costUsd or steps',
      });
    }
    requireLabels(request.labels);
    let action: ApplyBudgetReply['action'] = 'unchanged';
    let changes: Difference[] = [];
    const decide = (current: BudgetView | null): boolean => {
      requireVersion(`budget ${scope}`, current?.version ?? 0, expectedVersion);
      const kept = {
        description: request.description ?? current?.description ?? null,
        labels: request.labels ?? current?.labels ?? {},
      };
      changes = diff(current === null ? {} : saidOf(current), saidOf({ ...request, ...kept }));
      action = current === null ? 'created' : changes.length > 0 ? 'updated' : 'unchanged';
      return action !== 'unchanged' && request.dryRun !== true;
    };
    const resource = await this.store.apply(caller.workspace, request, decide, (tx) =>
      this.audit.append(tx, caller, {
        action: 'budget.apply',
        target: `budget ${scope}`,
        detail: { what: action, period, limit: { ...limit } },
      }),
    );
    if (request.dryRun !== true) this.above.forget(caller.workspace);
    return { action, changes, resource };
  }
}

type Said = Pick<BudgetView, 'description' | 'labels' | 'limit'> & Partial<Pick<BudgetView, 'perCall' | 'period'>>;

/** What is said of a budget, in the words of its manifest. */
function saidOf({ description, labels, limit, perCall = {}, period = 'total' }: Said): Json {
  return {
    metadata: { ...(description && { description }), ...(Object.keys(labels).length > 0 && { labels }) },
    spec: { limit: { ...limit }, ...(Object.keys(perCall).length > 0 && { perCall: { ...perCall } }), period },
  };
}

function requireLabels(labels: Record<string, unknown> = {}): void {
  const entries = Object.entries(labels);
  if (entries.length > labelsMax)
    throw invalid(`a budget has at most ${labelsMax} labels`, 'Leave some out.', { pointer: '/labels', detail: 'has too many' });
  for (const [name, value] of entries) {
    if (name.length <= 63 && typeof value === 'string' && value.length <= 255) continue;
    const detail = 'must be text of at most 255 characters, its name of at most 63';
    throw invalid(`the label ${name.slice(0, 63)} ${detail}`, 'Shorten it.', { pointer: `/labels/${name}`, detail });
  }
}

function invalid(what: string, next: string, error: FaultDetail): Fault {
  return new Fault('invalid', what, next, { errors: [error] });
}
