import { ExpressionError, type GraphStep, type Scope } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import type { Expression } from './expression.ts';
import { wrongPlace } from './input-schema.ts';
import type { ForEachManifest, StepManifest } from './manifest.ts';
import { checkedSchema } from './step-schema.ts';
import { compileCondition, compileTemplate } from './template.ts';

/** What a step says of its items. */
export interface Items {
  items?: (scope: Scope) => Json[];
  itemNeeds?: GraphStep['itemNeeds'];
  /** The step whose outputs are its items, each as it comes; `ofTurns`: those are turns. */
  stream?: { key: string; ofTurns: boolean; pointer: string };
  /** Expressions of the list itself, and those that see `item` and `index`. */
  ofList: readonly Expression[];
  ofItem: readonly Expression[];
}

type Report = (error: ExpressionError) => void;

/** What a list can be streamed from: the outputs of a step with items, or the turns of one with turns. */
const streamed = /^\$\{\{\s*steps(?:\.(\w+)|\[(["'])([\w-]+)\2\])\.output(\.turns)?\s*\}\}$/;

/** Compiles `forEach`. Throws `ExpressionError` for what does not fit together; several are told to `report`. */
export function itemsOf(forEach: NonNullable<StepManifest['forEach']>, pointer: string, report: Report): Items {
  if (typeof forEach === 'string' || Array.isArray(forEach)) return compileList({ items: forEach }, pointer, pointer, report);
  const { items, stream, key, needs } = forEach;
  if ((key === undefined) !== (needs === undefined)) throw new ExpressionError('key and needs belong together: give both', pointer);
  if (stream !== true) {
    const list = compileList(forEach, `${pointer}/items`, pointer, report);
    return key === undefined || needs === undefined ? list : { ...list, ...needsOf(key, needs, pointer) };
  }
  for (const field of ['key', 'max', 'schema'] as const) {
    if (forEach[field] !== undefined)
      throw new ExpressionError(`a stream has no ${field}: its items are not known beforehand`, `${pointer}/${field}`);
  }
  const [, plain, , quoted, turns] = (typeof items === 'string' && streamed.exec(items.trim())) || [];
  const from = plain ?? quoted;
  if (from === undefined)
    throw new ExpressionError(
      'a stream comes from ${{ steps.<key>.output }}, or of turns from ${{ steps.<key>.output.turns }}',
      `${pointer}/items`,
    );
  const list = compileCondition(items as string, `${pointer}/items`);
  return { stream: { key: from, ofTurns: turns !== undefined, pointer: `${pointer}/items` }, ofList: [list], ofItem: [] };
}

/** The list that undoing goes over: that of the step, without what only its doing needs. */
export function plainItems(forEach: NonNullable<StepManifest['forEach']>): string | Json[] {
  return typeof forEach === 'string' || Array.isArray(forEach) ? forEach : forEach.items;
}

/** The step that another streams from, by its manifest. Throws `ExpressionError` where it has no such items, or has ended long before. */
export function sourceOf({ key, ofTurns, pointer }: NonNullable<Items['stream']>, source: StepManifest | undefined): void {
  const fail = (detail: string): never => {
    throw new ExpressionError(detail, pointer);
  };
  if (source === undefined) return fail(`${key} has ended by then: leave stream out`);
  if (source.repeat !== undefined && !ofTurns) fail(`${key} is done in turns: give its output.turns`);
  if (source.repeat === undefined && (ofTurns || source.forEach === undefined))
    fail(`${key} has no ${ofTurns ? 'turns' : 'items'} that could be streamed`);
}

function compileList({ items, max, schema }: ForEachManifest, at: string, pointer: string, report: Report): Items {
  const { compute, expressions } =
    typeof items === 'string'
      ? ((expression: Expression) => ({ compute: expression.compute, expressions: [expression] }))(compileCondition(items, at))
      : compileTemplate(items, at, report);
  checkedSchema(schema, `${pointer}/schema`);
  const list = (scope: Scope): Json[] => {
    const value = compute(scope);
    if (!Array.isArray(value)) throw new ExpressionError(`forEach must give a list, not ${value === null ? 'null' : typeof value}`, at);
    if (max !== undefined && value.length > max)
      throw new ExpressionError(`forEach gives ${value.length} items, max is ${max}`, `${pointer}/max`, 'limited');
    const wrong = schema === undefined ? -1 : value.findIndex((item) => wrongPlace(schema, item) !== undefined);
    if (wrong < 0 || schema === undefined) return value;
    throw new ExpressionError(`item ${wrong} does not fit schema: ${wrongPlace(schema, value[wrong] as Json) ?? ''}`, `${pointer}/schema`);
  };
  return { items: list, ofList: expressions, ofItem: [] };
}

function needsOf(key: string, needs: string, pointer: string): Pick<Items, 'itemNeeds' | 'ofItem'> {
  const keyOf = compileCondition(key, `${pointer}/key`);
  const needed = compileCondition(needs, `${pointer}/needs`);
  return { itemNeeds: { key: keyOf.compute, needs: needed.compute, pointer }, ofItem: [keyOf, needed] };
}
