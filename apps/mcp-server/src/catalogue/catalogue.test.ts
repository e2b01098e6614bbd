import { expect, test } from '@jest/globals';
import { catalogueChange, readCatalogue, toolsMax, toolView } from './catalogue.ts';
import { readPages } from '../upstreams/read-pages.ts';

const tool = (name: string, more: object = {}): object => ({ name, inputSchema: { type: 'object' }, ...more });

test('a catalogue is in order, and a hash tells one definition from another, however its keys are ordered', () => {
  const one = readCatalogue([tool('b'), tool('a', { description: 'x', title: 'A' })]);
  const other = readCatalogue([{ title: 'A', description: 'x', inputSchema: { type: 'object' }, name: 'a' }]);
  expect(one.tools.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(other.tools[0]!.hash).toBe(one.tools[0]!.hash);
  expect(readCatalogue([tool('a', { description: 'y' })]).tools[0]!.hash).not.toBe(one.tools[0]!.hash);
});

test('tools that are none are left out and told, and no more than a model can use are kept', () => {
  const { tools, leftOut } = readCatalogue([
    7,
    null,
    tool(''),
    tool('a/b'),
    tool('a\u202eb'),
    { name: 'x', inputSchema: [] },
    tool('ok'),
    tool('ok'),
  ]);
  expect(tools.map(({ name }) => name)).toEqual(['ok']);
  expect(leftOut).toHaveLength(7);
  const many = readCatalogue(Array.from({ length: toolsMax + 5 }, (_, index) => tool(`t${index}`)));
  expect(many.tools).toHaveLength(toolsMax);
  expect(many.leftOut[0]).toContain(`one more than ${toolsMax}`);
});

test('what came, went and changed is told; nothing, when nothing did', () => {
  const before = new Map(readCatalogue([tool('a'), tool('b'), tool('c')]).tools.map((each) => [each.name, each]));
  expect(catalogueChange(before, [...before.values()])).toBeNull();
  expect(catalogueChange(before, readCatalogue([tool('b', { title: 'x' }), tool('c'), tool('d')]).tools)).toEqual({
    added: ['d'],
    removed: ['a'],
    changed: ['b'],
  });
});

test('a tool is shown with its title from wherever it stands, and without fields of the wrong type', () => {
  const shown = (more: object): object => toolView('s', readCatalogue([tool('a', more)]).tools[0]!);
  expect(shown({ annotations: { title: 'From annotations' }, outputSchema: { type: 'object' } })).toMatchObject({
    title: 'From annotations',
    outputSchema: {},
  });
  expect(shown({ title: 7, description: 7, outputSchema: 'x', annotations: [] })).toEqual({
    server: 's',
    name: 'a',
    description: '',
    inputSchema: { type: 'object' },
  });
});

test('pages are read to their end, and a cursor that turns in circles ends them', async () => {
  await expect(
    readPages((cursor) => Promise.resolve({ tools: [cursor ?? 'first'], nextCursor: cursor === undefined ? 'a' : '' }), 'tools'),
  ).resolves.toEqual(['first', 'a']);
  await expect(readPages(() => Promise.resolve({ tools: [1], nextCursor: 'same' }), 'tools')).resolves.toEqual([1, 1]);
  let page = 0;
  await expect(
    readPages(() => Promise.resolve({ tools: Array.from({ length: 100 }), nextCursor: String(page++) }), 'tools'),
  ).resolves.toHaveLength(5_000);
  await expect(readPages(() => Promise.resolve({}), 'tools')).rejects.toThrow('without a list of tools');
});
