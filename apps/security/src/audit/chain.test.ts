import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { breakOf, chained, chainStart, type AuditFacts, type AuditLink } from './chain.ts';

const workspace = '018f0000-0000-7000-8000-000000000001';
const start = { seq: 0, hash: chainStart };

const facts: fc.Arbitrary<AuditFacts> = fc.record(
  {
    id: fc.uuid(),
    at: fc.integer({ min: 0, max: 4e12 }),
    service: fc.constantFrom('registry', 'security'),
    principal: fc.string(),
    name: fc.string({ unit: 'binary' }),
    action: fc.constantFrom('agent.apply', 'key.create'),
    target: fc.string({ unit: 'binary' }),
    outcome: fc.constantFrom('allowed' as const, 'denied' as const),
    detail: fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<Record<string, unknown>>,
  },
  { requiredKeys: ['id', 'at', 'service', 'principal', 'name', 'action', 'target', 'outcome'] },
);
const chains = fc.array(facts, { minLength: 1, maxLength: 20 }).map((all) => chained(workspace, start, all));

/** The first wrong place of a chain, as a walk from its beginning finds it. */
function firstBreak(chain: readonly AuditLink[]): number | null {
  let last = start;
  for (const [index, link] of chain.entries()) {
    if (breakOf(workspace, last, link) !== null) return index;
    last = link;
  }
  return null;
}

describe('a chain', () => {
  test('as it was written holds, also after a trip through JSON', () => {
    fc.assert(
      fc.property(chains, (chain) => {
        const read = chain.map((link) => ({ ...(JSON.parse(JSON.stringify({ ...link, hash: null })) as AuditLink), hash: link.hash }));
        expect(firstBreak(read)).toBeNull();
      }),
    );
  });

  test('shows an entry that was changed, where it was changed', () => {
    fc.assert(
      fc.property(chains, fc.nat(), fc.constantFrom('principal', 'name', 'target', 'action'), (chain, at, field) => {
        const index = at % chain.length;
        const altered = chain.with(index, { ...chain[index]!, [field]: `${chain[index]![field as 'name']}!` });
        expect(firstBreak(altered)).toBe(index);
      }),
    );
  });

  test('shows an entry that was taken out or moved', () => {
    fc.assert(
      fc.property(
        chains.filter(({ length }) => length > 2),
        fc.nat(),
        (chain, at) => {
          const index = at % (chain.length - 1);
          expect(firstBreak(chain.toSpliced(index, 1))).toBe(index);
          expect(firstBreak(chain.with(index, chain[index + 1]!).with(index + 1, chain[index]!))).toBe(index);
        },
      ),
    );
  });

  test('goes on where it stopped as if it had been written at once', () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 2, maxLength: 10 }), fc.nat(), (all, cut) => {
        const first = chained(workspace, start, all.slice(0, cut % all.length));
        const rest = chained(workspace, first.at(-1) ?? start, all.slice(cut % all.length));
        expect([...first, ...rest]).toEqual(chained(workspace, start, all));
      }),
    );
  });

  test('keeps nothing that PostgreSQL would give back changed', () => {
    const [link] = chained(workspace, start, [
      {
        id: '1',
        at: 1,
        service: 's',
        principal: 'p',
        name: 'a\0b',
        action: 'a.b',
        target: 'x\ud800',
        outcome: 'allowed',
        detail: { 'k\0': ['\udc00', undefined] },
      },
    ]);
    expect(link).toMatchObject({ name: 'a\uFFFDb', target: 'x\uFFFD', detail: { 'k\uFFFD': ['\uFFFD', null] } });
  });
});
