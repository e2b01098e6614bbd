import { expect, test } from '@jest/globals';

interface Component {
  name: string;
  group?: string;
  version: string;
  licenses?: { expression?: string; license?: { id?: string; name?: string } }[];
}
const script = new URL('../../../scripts/licences.mjs', import.meta.url).href;
const { licenceFaults } = (await import(script)) as { licenceFaults: (bom: { components: Component[] }) => string[] };

function faultsOf(name: string, licenses?: Component['licenses'], group?: string): string[] {
  return licenceFaults({ components: [{ name, version: '1.0.0', ...(group && { group }), ...(licenses && { licenses }) }] });
}

test('licences that ask for little are allowed, one of several is enough, and all of several must be', () => {
  expect(faultsOf('a', [{ license: { id: 'MIT' } }])).toEqual([]);
  expect(faultsOf('a', [{ expression: '(MIT OR GPL-3.0-or-later)' }])).toEqual([]);
  expect(faultsOf('a', [{ expression: '(MIT AND Zlib)' }])).toEqual([]);
});

test('every other one fails, by package and licence', () => {
  expect(faultsOf('a', [{ license: { id: 'GPL-3.0-only' } }], '@evil')).toEqual(['@evil/a@1.0.0: GPL-3.0-only']);
  expect(faultsOf('a', [{ expression: '(MIT AND GPL-3.0-only)' }])).toHaveLength(1);
  expect(faultsOf('a', [{ license: { id: 'MIT' } }, { license: { id: 'AGPL-3.0-only' } }])).toEqual(['a@1.0.0: MIT AND AGPL-3.0-only']);
  expect(faultsOf('a', [{ expression: 'MIT AND (GPL-3.0-only OR MIT)' }])).toHaveLength(1);
  expect(faultsOf('a', [{ license: { name: 'SEE LICENSE IN LICENSE' } }])).toEqual(['a@1.0.0: SEE LICENSE IN LICENSE']);
  expect(faultsOf('a')).toEqual(['a@1.0.0: says no licence']);
});

test('a package that was looked at is allowed with the licence that it had then', () => {
  const group = '@modelcontextprotocol';
  expect(faultsOf('server-memory', [{ license: { name: 'SEE LICENSE IN LICENSE' } }], group)).toEqual([]);
  expect(faultsOf('server-memory', [{ license: { id: 'BUSL-1.1' } }], group)).toHaveLength(1);
});
