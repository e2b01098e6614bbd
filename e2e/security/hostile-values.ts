import type { Chance } from '../cases/chance.ts';

const texts = [
  '',
  ' ',
  'a',
  'x'.repeat(63),
  'x'.repeat(64),
  'x'.repeat(256),
  'x'.repeat(10_000),
  '\0',
  'a\0b',
  '\u001b[31m',
  '\ud800',
  'ä𝄞\u202e',
  '../../etc/passwd',
  "' OR 1=1 --",
  '${{ input.x }}',
  '${{',
  '__proto__',
  'null',
  'true',
  '0',
  '-1',
  '1e309',
  '9007199254740993',
  '2026-02-30T00:00:00Z',
  '2026-11-24T00:00:00Z',
  'http://127.0.0.1:1/',
  'https://example.com/',
  'application/json',
  '*',
  'sb.>',
  'run_00000000000000000000000000',
  'a.b',
  'A',
  '-',
  'secret://x',
];
const numbers = [0, -0, 1, -1, 0.5, 2, 64, 255, 256, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21, 1e308, Number.MIN_VALUE];

/** Any JSON value, mostly small. */
export function anything(chance: Chance, depth = 0): unknown {
  switch (chance.below(depth > 3 ? 4 : 7)) {
    case 0:
      return chance.of(texts);
    case 1:
      return chance.of(numbers);
    case 2:
      return chance.of([true, false]);
    case 3:
      return null;
    case 4:
      return Array.from({ length: chance.of([0, 1, 2, 5, 40]) }, () => anything(chance, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: chance.of([0, 1, 2, 5]) }, () => [chance.of(texts).slice(0, 64), anything(chance, depth + 1)]),
      );
  }
}

type Schema = Record<string, unknown>;

/** A value that the schema allows, or nearly: at each place, now and then, something at a boundary or of another kind stands instead. */
export function valueFor(schema: Schema, chance: Chance, resolve: (schema: Schema) => Schema, depth = 0): unknown {
  if (depth > 6 || chance.is(0.12)) return anything(chance);
  const found = resolve(schema);
  const variants = (found['oneOf'] ?? found['anyOf']) as Schema[] | undefined;
  if (variants) return valueFor(chance.of(variants), chance, resolve, depth + 1);
  if (Array.isArray(found['enum'])) return chance.of(found['enum'] as unknown[]);
  if ('const' in found) return found['const'];
  const type = Array.isArray(found['type']) ? chance.of(found['type'] as string[]) : found['type'];
  switch (type) {
    case 'string':
      return textFor(found, chance);
    case 'integer':
    case 'number':
      return chance.of([
        ...numbers,
        Number(found['minimum'] ?? 0),
        Number(found['maximum'] ?? 10),
        Number(found['minimum'] ?? 0) - 1,
        Number(found['maximum'] ?? 10) + 1,
      ]);
    case 'boolean':
      return chance.is(0.5);
    case 'array':
      return Array.from(
        { length: chance.of([0, 1, 1, 2, 3, Number(found['maxItems'] ?? 3) > 300 ? 3 : Number(found['maxItems'] ?? 3) + 1]) },
        () => valueFor((found['items'] ?? {}) as Schema, chance, resolve, depth + 1),
      );
    case 'null':
      return null;
    default:
      return found['properties'] ? objectFor(found, chance, resolve, depth) : anything(chance, depth + 1);
  }
}

function objectFor(schema: Schema, chance: Chance, resolve: (schema: Schema) => Schema, depth: number): object {
  const required = new Set((schema['required'] ?? []) as string[]);
  const made: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema['properties'] as Record<string, Schema>)) {
    if (required.has(name) ? chance.is(0.95) : chance.is(0.4)) made[name] = valueFor(property, chance, resolve, depth + 1);
  }
  if (chance.is(0.05)) made[chance.of(texts)] = anything(chance);
  return made;
}

function textFor(schema: Schema, chance: Chance): string {
  const most = Number(schema['maxLength'] ?? 0);
  if (most > 0 && chance.is(0.1)) return 'x'.repeat(Math.min(most + chance.of([0, 1]), 20_000));
  return chance.is(0.5) ? chance.of(['a', 'name', 'do', 'treasure', 'workspace', 'admin', 'viewer']) : chance.of(texts);
}
