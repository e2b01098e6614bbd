import { ExpressionError, type GraphStep, type StepKind } from '../core/graph.ts';
import type { Expression } from './expression.ts';
import type { StepManifest } from './manifest.ts';
import { compileCondition } from './template.ts';

/** Whom a step chooses by an expression; undefined where it names one agent. Throws `ExpressionError` for one without the other. */
export function choiceOf(
  kind: StepKind,
  { agent, agents }: StepManifest,
  pointer: string,
): { chooses: NonNullable<GraphStep['chooses']>; expression: Expression } | undefined {
  const isChosen = kind === 'agent' && agent?.includes('${{') === true;
  if (!isChosen && agents === undefined) return undefined;
  if (!isChosen) throw new ExpressionError('agents are those of which agent chooses one, by an expression', `${pointer}/agents`);
  if (agents === undefined) throw new ExpressionError('say in agents whom this can choose', `${pointer}/agent`);
  const expression = compileCondition(agent, `${pointer}/agent`);
  return { chooses: { agent: expression.compute, agents }, expression };
}
