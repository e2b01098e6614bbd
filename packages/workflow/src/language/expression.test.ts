import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ExpressionError, type Scope } from '../core/graph.ts';
import { compileExpression } from './expression.ts';
import { compileCondition, compileTemplate } from './template.ts';

const scope: Scope = {
  input: { n: 5, text: 'abc', list: [3, 1, 2], deep: { x: { y: true } }, none: null },
  steps: {
    read: { output: { files: ['a', 'b'] }, status: 'succeeded', errors: [] },
    'with-dash': { output: 7, status: 'succeeded', errors: [] },
  },
  run: { id: 'run_1', workflow: 'w', startedAt: '2026-01-01T00:00:00.000Z' },
  item: { name: 'one' },
  index: 4,
};

const compute = (source: string): unknown => compileExpression(source, '/x').compute(scope);

describe('an expression', () => {
  test.each([
    ['input.n + 1', 6],
    ['1 + input.n * 2', 11],
    ['input.n / 2', 2.5],
    ['7 % input.n', 2],
    ['input.n % 2.0', 1],
    ['index - 1', 3],
    ['10 / 4', 2],
    ['input.list.map(x, x * 2)', [6, 2, 4]],
    ['input.list.filter(x, x > 1).size()', 2],
    ['size(input.list) == 3 && input.text.startsWith("a")', true],
    ['steps.read.output.files', ['a', 'b']],
    ['steps["with-dash"].output', 7],
    ['steps.read.status', 'succeeded'],
    ['has(input.missing) ? input.missing : "default"', 'default'],
    ['{"a": input.n, "b": [1, "x", null]}', { a: 5, b: [1, 'x', null] }],
    ['input.list.join("-")', '3-1-2'],
    ['["a", "b"].join()', 'ab'],
    ['input.text.matches("^a.c$")', true],
    ['toJson(input.deep)', '{"x":{"y":true}}'],
    ['fromJson("[1,{\\"a\\":2}]")[1].a', 2],
    ['flatten([[1], [2, 3]])', [1, 2, 3]],
    ['item.name + string(index)', 'one4'],
    ['timestamp("2026-01-01T00:00:00Z")', '2026-01-01T00:00:00.000Z'],
    ['bytes("hi")', 'aGk='],
    ['uint(3)', '3'],
    ['input.none', null],
    ['run.workflow', 'w'],
  ])('computes %s', (source, expected) => {
    const value = compute(source);
    expect(typeof value === 'string' || source !== 'uint(3)' ? value : String(value as number)).toEqual(expected);
  });

  test('says what it refers to', () => {
    const { steps, variables } = compileExpression('steps.read.output.files.map(f, f + steps["with-dash"].status + item.name)', '/x');
    expect([...steps]).toEqual(['read', 'with-dash']);
    expect(variables.has('item')).toBe(true);
    expect(variables.has('index')).toBe(false);
  });

  test.each([
    ['1 +', /Unexpected token/],
    ['unknown.x', /Unknown variable: unknown/],
    ['input.text.toUpperCase()', /no matching overload/],
    ['steps', /followed by a step/],
    ['steps[input.text].output', /followed by a step/],
    ['"x".repeat(3)', /no matching overload/],
    ['x'.repeat(5_000), /at most 4096 characters/],
    [`${'('.repeat(100)}1${')'.repeat(100)}`, /depth/i],
    [Array.from({ length: 400 }, () => '1').join('+'), /nodes|depth/i],
  ])('is refused when it is applied: %s', (source, message) => {
    expect(() => compileExpression(source, '/spec/steps/a/with')).toThrow(message);
    try {
      compileExpression(source, '/spec/steps/a/with');
    } catch (error) {
      expect(error).toBeInstanceOf(ExpressionError);
      expect((error as ExpressionError).pointer).toBe('/spec/steps/a/with');
    }
  });

  test.each([
    ['input.missing', /No such key: missing/],
    ['steps.later.output', /No such key: later/],
    ['input.list[10]', /index out of bounds/],
    ['1 / 0', /division by zero/],
    ['1.0 / 0.0', /not finite/],
    ['9223372036854775807', /too large for JSON/],
    ['input.text + 1', /no such overload/],
    ['input.text.matches("(")', /in: input.text.matches/],
    [`input.text.matches("${'a'.repeat(1_001)}")`, /at most 1000/],
    ['fromJson("{")', /JSON/],
  ])('fails when it is computed: %s', (source, message) => {
    expect(() => compute(source)).toThrow(message);
  });

  test.each(['constructor', '__proto__', 'prototype', 'toString', 'valueOf', '__defineGetter__'])(
    'A10: reaches no %s of any value',
    (name) => {
      for (const target of ['input', 'input.list', 'input.text', 'input.n', 'steps.read', 'run', 'item']) {
        for (const source of [`${target}.${name}`, `${target}["${name}"]`]) {
          let value: unknown;
          try {
            value = compute(source);
          } catch (error) {
            expect(error).toBeInstanceOf(ExpressionError);
            continue;
          }
          expect(value).toBeNull();
        }
      }
      for (const global of ['globalThis', 'process', 'require', 'Function', 'eval']) {
        expect(() => compileExpression(`${global}.x`, '/x')).toThrow(ExpressionError);
        expect(() => compileExpression(`${global}("1")`, '/x')).toThrow(ExpressionError);
      }
    },
  );

  test.each([
    ['a comprehension in a comprehension', 'input.big.map(x, input.big.map(y, x + y))'],
    ['quantifiers that go on after errors', 'input.big.all(x, input.big.exists(y, y.q == x))'],
    ['a text that doubles', doubling('input.text', 12)],
    ['a list that doubles', doubling('input.big', 12)],
    ['lists that share themselves', sharing(14)],
    ['a pattern that backtracks', '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("(a+)+$")'],
    ['a join of large texts', 'input.big.map(x, input.text).join("")'],
  ])('A10: ends soon with %s', (_, source) => {
    const large = { ...scope, input: { big: Array.from({ length: 5_000 }, (__, index) => index), text: 'x'.repeat(400_000) } };
    const expression = compileExpression(source, '/x');
    const before = process.cpuUsage(); // a busy machine takes longer, not more
    let value: unknown;
    try {
      value = expression.compute(large);
    } catch (error) {
      expect(error).toBeInstanceOf(ExpressionError);
      expect((error as ExpressionError).code).toBe('limited');
    }
    if (value !== undefined) expect(value).toBe(false);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  });

  test('never throws anything but an ExpressionError, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60, unit: fc.constantFrom(...'input.steps[]()+-*/"\'{},:?!&|<>= 019axyz'.split('')) }),
        (source) => {
          try {
            compileExpression(source, '/x').compute(scope);
          } catch (error) {
            expect(error).toBeInstanceOf(ExpressionError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a template', () => {
  test('gives the value of a text that is one expression, else a text', () => {
    expect(compileTemplate('${{ input.list }}', '/x').compute(scope)).toEqual([3, 1, 2]);
    expect(compileTemplate('n is ${{ input.n }}, list ${{ input.list }}${{ input.none }}!', '/x').compute(scope)).toBe(
      'n is 5, list [3,1,2]!',
    );
    expect(compileTemplate(' ${{ input.n }}', '/x').compute(scope)).toBe(' 5');
  });

  test('computes in lists and objects, and passes the rest on as it is', () => {
    const value = { a: ['${{ input.n }}', { b: 'plain' }], c: 1 };
    expect(compileTemplate(value, '/x').compute(scope)).toEqual({ a: [5, { b: 'plain' }], c: 1 });
    const constant = { a: [1, 'x'] };
    expect(compileTemplate(constant, '/x').compute(scope)).toBe(constant);
  });

  test('ends an expression where it ends, not in a text or a map', () => {
    expect(compileTemplate('${{ {"a": "}}"}.a }} and ${{ {"m": {"n": 1}} }}', '/x').compute(scope)).toBe('}} and {"m":{"n":1}}');
    expect(compileTemplate("${{ 'it\\'s }}' }}", '/x').compute(scope)).toBe("it's }}");
  });

  test('names the place of an expression that is not ended, or is wrong', () => {
    expect(() => compileTemplate({ a: [0, '${{ input.n'] }, '/spec')).toThrow(
      expect.objectContaining({ pointer: '/spec/a/1' }) as unknown as Error,
    );
    expect(() => compileTemplate({ 'a/b': '${{ 1 + }}' }, '/spec')).toThrow(
      expect.objectContaining({ pointer: '/spec/a~1b' }) as unknown as Error,
    );
    expect(() => compileTemplate('${{ {"a": 1 } }', '/spec')).toThrow(/not ended/);
  });

  test('is refused when it is too deep', () => {
    let value: unknown = '${{ 1 }}';
    for (let level = 0; level < 70; level++) value = [value];
    expect(() => compileTemplate(value as never, '/spec')).toThrow(/nested more than 64/);
  });

  test('takes a condition with or without braces', () => {
    expect(compileCondition('${{ input.n == 5 }}', '/x').compute(scope)).toBe(true);
    expect(compileCondition('input.n == 5', '/x').compute(scope)).toBe(true);
  });
});

function doubling(seed: string, times: number): string {
  let source = `cel.bind(a0, ${seed}, `;
  for (let level = 1; level < times; level++) source += `cel.bind(a${level}, a${level - 1} + a${level - 1}, `;
  return `${source}a${times - 1}${')'.repeat(times)}`;
}

function sharing(times: number): string {
  let source = 'cel.bind(a0, [1], ';
  for (let level = 1; level < times; level++)
    source += `cel.bind(a${level}, [a${level - 1}, a${level - 1}, a${level - 1}, a${level - 1}], `;
  return `${source}a${times - 1}${')'.repeat(times)}`;
}
