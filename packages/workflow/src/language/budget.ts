import { measures, type BudgetPolicy, type Limits, type Measure, type OnLimit } from '../core/budget.ts';
import { ExpressionError, type Graph } from '../core/graph.ts';
import type { BudgetManifest, WorkflowManifest } from './manifest.ts';
import { escape } from './template.ts';
import { timeoutMs } from './timeout.ts';

/** What a manifest says of a budget. */
export function budgetOf(budget: BudgetManifest): BudgetPolicy {
  const { time, depth, onLimit } = budget;
  return {
    limit: amountsOf(budget),
    ...(time !== undefined && { timeMs: timeoutMs(time) }),
    ...(depth !== undefined && { depth }),
    onLimit: onLimitOf(onLimit),
  };
}

/** Its measures alone. */
export function amountsOf(given: Limits): Limits {
  return Object.fromEntries(measures.flatMap((measure) => (given[measure] === undefined ? [] : [[measure, given[measure]]])));
}

function onLimitOf(onLimit: BudgetManifest['onLimit'] = 'stop'): OnLimit {
  if (onLimit === 'stop') return { do: 'stop' };
  if (onLimit === 'ask') return { do: 'ask' };
  if ('model' in onLimit) return { do: 'model', model: onLimit.model };
  const { by, deadline } = onLimit.ask;
  return {
    do: 'ask',
    ...(by && { by: { roles: by.roles ?? [], principals: by.principals ?? [] } }),
    ...(deadline !== undefined && { deadlineMs: timeoutMs(deadline) }),
  };
}

/** Where a call could use any amount of what a budget limits: what is to be declared there. */
export function unboundedCalls(graph: Pick<Graph, 'steps' | 'budget'>, { spec }: WorkflowManifest): ExpressionError[] {
  const errors: ExpressionError[] = [];
  for (const { key, kind, llm, most, budget, part, undoes } of graph.steps) {
    const limited = new Set([...Object.keys(graph.budget?.limit ?? {}), ...Object.keys(budget?.limit ?? {})] as Measure[]);
    const name = undoes === undefined ? key : (graph.steps[undoes]?.key ?? key);
    const pointer = `/spec/${part === 'finally' ? 'finally' : 'steps'}/${escape(name)}${part === 'undo' ? '/compensate' : ''}`;
    for (const measure of limited) {
      const what = `its budget limits ${measure}, and nobody says how much`;
      if (kind === 'llm' && measure !== 'steps') {
        if (llm?.maxTokens === undefined) errors.push(new ExpressionError(`${what} a turn may use: give maxTokens`, `${pointer}/llm`));
        spec.steps[key]?.llm?.tools?.forEach((tool, index) => {
          if (typeof tool === 'object' && tool.usesAtMost?.[measure] === undefined)
            errors.push(new ExpressionError(`${what} a call may use: give usesAtMost.${measure}`, `${pointer}/llm/tools/${index}`));
        });
      }
      const mustSay = kind === 'workflow' || (kind === 'agent' && measure !== 'steps');
      if (mustSay && most?.[measure] === undefined)
        errors.push(new ExpressionError(`${what} an attempt may use: give usesAtMost.${measure}`, pointer));
    }
  }
  return errors;
}
