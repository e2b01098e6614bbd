import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { ExpressionError } from '../core/graph.ts';
import type { Json } from '../core/json.ts';

/** Longer than any expression a person writes. */
const sourceMax = 4_096;
/** Nodes that one computation may visit: about 30 ms. A comprehension inside another is quadratic, and meets this. */
const fuelMax = 200_000;
/** An error that is caught inside an expression costs as much as this many nodes. */
const errorFuel = 200;
/** Characters of a text, and entries of a list, that a computation may build on its way. */
const textMax = 1_048_576;
const listMax = 100_000;
const patternMax = 1_000;

/** The names that expressions see: of a workflow's steps, of a schedule's input, of a trigger's, of what is known before a run begins, of a grader's. */
const namesOf = {
  workflow: ['input', 'steps', 'run', 'item', 'index', 'turns', 'last', 'results'],
  schedule: ['schedule'],
  trigger: ['event'],
  start: ['input', 'labels'],
  eval: ['input', 'output', 'expected', 'labels'],
} as const;
export type Place = keyof typeof namesOf;
export type Variable = (typeof namesOf)[Place][number];

/** A compiled expression. */
export interface Expression {
  /** The value, where the scope has all names of its place. Throws `ExpressionError`. */
  compute: (scope: object) => Json;
  /** Where it stands in the manifest. */
  pointer: string;
  variables: ReadonlySet<Variable>;
  /** Keys of the steps that it refers to. */
  steps: ReadonlySet<string>;
}

class OutOfFuel extends Error {
  override readonly name = 'OutOfFuel';
}

/** Thrown often while a comprehension unwinds, so it is made once. */
const outOfFuel = new OutOfFuel('this takes too long to compute');

interface Evaluator {
  run(node: ASTNode, context: unknown): unknown;
  tryEval(node: ASTNode, context: unknown): unknown;
}

type Evaluable = ASTNode & { evaluate(evaluator: Evaluator, node: ASTNode, context: unknown): unknown };

let fuel = 0;

function buildEnvironment(place: Place): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false, limits: { maxAstNodes: 500, maxDepth: 40 } });
  for (const variable of namesOf[place]) environment.registerVariable(variable, 'dyn');
  registerNumbers(environment);
  const options = { async: false };
  environment.registerFunction('string.matchesLinear(string): bool', matchesLinear, options);
  environment.registerFunction('list.joinBounded(): string', (list: unknown[]) => joinBounded(list, ''), options);
  environment.registerFunction('list.joinBounded(string): string', joinBounded, options);
  environment.registerFunction('toJson(dyn): string', (value: unknown) => JSON.stringify(toJson(value)), options);
  environment.registerFunction('fromJson(string): dyn', (text: string) => JSON.parse(text) as Json, options);
  environment.registerFunction('flatten(list): list', (list: unknown[]) => list.flat(1), options);
  environment.registerFunction(
    'boundEvaluator(): bool',
    function (this: Evaluator) {
      boundEvaluator(this);
      return true;
    },
    options,
  );
  environment.evaluate('boundEvaluator()');
  return environment;
}

/** JSON knows one kind of number; CEL's `int` and `double` meet in every workflow, so they may be mixed. */
function registerNumbers(environment: Environment): void {
  const operations: Record<string, (left: number, right: number) => number> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
    '%': (left, right) => left % right,
  };
  for (const [operator, operation] of Object.entries(operations)) {
    const mixed = (left: unknown, right: unknown): number => operation(Number(left), Number(right));
    environment.registerOperator(`int ${operator} double: double`, mixed);
    environment.registerOperator(`double ${operator} int: double`, mixed);
    if (operator === '%') environment.registerOperator('double % double: double', mixed);
  }
}

/** Makes every visit of a node cost fuel and every value it gives bounded: the library itself bounds only what is written. */
function boundEvaluator(evaluator: Evaluator): void {
  evaluator.run = function (this: Evaluator, node: ASTNode, context: unknown): unknown {
    if (--fuel < 0) throw outOfFuel;
    const value = (node as Evaluable).evaluate(this, node, context);
    if (typeof value === 'string') {
      if (value.length > textMax) throw outOfFuel;
      if (node.op === '+') fuel -= value.length >> 6;
    } else if (Array.isArray(value)) {
      if (value.length > listMax) throw outOfFuel;
      if (node.op === '+') fuel -= value.length >> 3;
    }
    return value;
  };
  // `||`, `all` and `exists` go on after an error: not after this one.
  evaluator.tryEval = function (this: Evaluator, node: ASTNode, context: unknown): unknown {
    try {
      return this.run(node, context);
    } catch (error) {
      if (error === outOfFuel) throw error;
      fuel -= errorFuel;
      return error;
    }
  };
}

const patterns = new Map<string, RE2JS>();

/** `matches` in linear time, as CEL's specification asks (RE2): no pattern can hang the owner. Throws what is wrong with the pattern. */
export function matchesLinear(text: string, pattern: string): boolean {
  if (pattern.length > patternMax) throw new Error(`a pattern has at most ${patternMax} characters`);
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = RE2JS.compile(pattern);
    if (patterns.size >= 256) patterns.clear();
    patterns.set(pattern, compiled);
  }
  return compiled.matcher(text).find();
}

function joinBounded(list: unknown[], separator: string): string {
  let length = 0;
  const texts = list.map((entry) => {
    const text = typeof entry === 'string' ? entry : JSON.stringify(toJson(entry));
    length += text.length + separator.length;
    if (length > textMax) throw outOfFuel;
    return text;
  });
  return texts.join(separator);
}

/** Functions of the library that are replaced by bounded ones. */
const replaced: Record<string, string> = { matches: 'matchesLinear', join: 'joinBounded' };

const environments: Record<Place, Environment> = {
  workflow: buildEnvironment('workflow'),
  schedule: buildEnvironment('schedule'),
  trigger: buildEnvironment('trigger'),
  start: buildEnvironment('start'),
  eval: buildEnvironment('eval'),
};

/** Compiles one CEL expression. Throws `ExpressionError` with `pointer` when it cannot be read, or uses what is not there. */
export function compileExpression(source: string, pointer: string, place: Place = 'workflow'): Expression {
  if (source.length > sourceMax) {
    throw new ExpressionError(`an expression has at most ${sourceMax} characters`, pointer, 'limited');
  }
  let program;
  try {
    program = environments[place].parse(source);
  } catch (error) {
    throw new ExpressionError(`${summaryOf(error)}, in: ${excerpt(source)}`, pointer);
  }
  const found = inspect(program.ast, pointer, namesOf[place]);
  const checked = program.check();
  if (!checked.valid) throw new ExpressionError(`${summaryOf(checked.error)}, in: ${excerpt(source)}`, pointer);
  const isPath = isPlainPath(program.ast);
  const compute = (scope: object): Json => {
    fuel = fuelMax;
    try {
      const value: unknown = program(scope);
      // What a path leads to is JSON already and may be large: it is passed on as it is.
      return isPath ? ((value ?? null) as Json) : toJson(value);
    } catch (error) {
      if (error === outOfFuel) throw new ExpressionError(`${outOfFuel.message} or grows too large: ${excerpt(source)}`, pointer, 'limited');
      throw new ExpressionError(`${summaryOf(error)}, in: ${excerpt(source)}`, pointer);
    }
  };
  return { compute, pointer, ...found };
}

function excerpt(source: string): string {
  const line = source.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 117)}…` : line;
}

function summaryOf(error: unknown): string {
  if (error instanceof ParseError) return `${error.summary} at character ${(error.range?.start ?? 0) + 1}`;
  const { summary, message } = error as { summary?: string; message: string };
  return (summary ?? message).split('\n', 1)[0] ?? 'cannot be computed';
}

interface Node {
  op: string;
  args: unknown;
}

function inspect(root: unknown, pointer: string, variables: readonly Variable[]): { variables: Set<Variable>; steps: Set<string> } {
  const found = { variables: new Set<Variable>(), steps: new Set<string>() };
  const seen = new Set<object>();
  const named = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    const { op, args } = value as Node;
    if (op === 'rcall' && Array.isArray(args) && typeof args[0] === 'string') args[0] = replaced[args[0]] ?? args[0];
    if ((op === '.' || op === '[]') && Array.isArray(args)) {
      const [target, field] = args as [Node, unknown];
      if (target.op === 'id' && target.args === 'steps') {
        const key = op === '.' ? field : (field as Node).op === 'value' ? (field as Node).args : undefined;
        if (typeof key !== 'string') throw new ExpressionError('steps must be followed by a step’s key, as in steps.read.output', pointer);
        found.steps.add(key);
        named.add(target);
      }
    }
    if (op === 'id' && (variables as readonly unknown[]).includes(args)) {
      found.variables.add(args as Variable);
      if (args === 'steps' && !named.has(value)) {
        throw new ExpressionError('steps must be followed by a step’s key, as in steps.read.output', pointer);
      }
    }
    for (const child of Object.values(value)) visit(child);
  };
  visit(root);
  return found;
}

function isPlainPath(node: unknown): boolean {
  const { op, args } = node as Node;
  if (op === 'id') return true;
  if (op === '.') return isPlainPath((args as unknown[])[0]);
  return (
    op === '[]' &&
    isPlainPath((args as unknown[])[0]) &&
    ((args as [unknown, Node])[1].op === 'value' || isPlainPath((args as unknown[])[1]))
  );
}

/** What CEL gives, as JSON: whole numbers become numbers, times ISO 8601, bytes base64. */
function toJson(value: unknown, depth = 0): Json {
  if (depth > 64) throw new Error('the value is nested more than 64 levels deep');
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new Error('the number is not finite');
      return value;
    case 'bigint':
      if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) throw new Error('the number is too large for JSON');
      return Number(value);
    case 'object':
      break;
    default:
      return null;
  }
  // Values may be shared many times over; what is visited costs fuel, so that they cannot unfold without end.
  if (--fuel < 0) throw outOfFuel;
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((entry) => toJson(entry, depth + 1));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [String(key), toJson(entry, depth + 1)]));
  if (prototype === Object.prototype || prototype === null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry, depth + 1)]));
  }
  // Durations and unsigned numbers of the library say themselves.
  return (value as { toString(): string }).toString();
}
