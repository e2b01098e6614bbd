import { ExpressionError, type GraphStep, type Scope } from './graph.ts';
import { itemNeeds } from './gate.ts';
import type { Json } from './json.ts';

/** Whom a step chooses for a unit; undefined where it names one agent. Throws `ExpressionError` for who is not one of its agents. */
export function chosenFor({ key, chooses }: GraphStep, scope: Scope): string | undefined {
  if (chooses === undefined) return undefined;
  const chosen = chooses.agent(scope);
  if (typeof chosen === 'string' && chooses.agents.includes(chosen)) return chosen;
  const found = JSON.stringify(chosen).slice(0, 100);
  throw new ExpressionError(`agent gives ${found}, which is none of ${chooses.agents.join(', ')}`, `/spec/steps/${key}/agent`);
}

/** Looks at all items before the first is begun; gives what each needs of the others. Throws `ExpressionError`. */
export function checkItems(step: GraphStep, scope: Scope, items: readonly Json[]): number[][] | undefined {
  if (step.chooses === undefined && step.itemNeeds === undefined) return undefined;
  const scopes = items.map((item, index) => ({ ...scope, item, index }));
  for (const each of scopes) chosenFor(step, each);
  return step.itemNeeds && itemNeeds(step.itemNeeds, scopes);
}
