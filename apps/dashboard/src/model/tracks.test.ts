import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { depthsOf, layTracks, sizesFor, trackSizes, type TrackInput } from './tracks.ts';

const nine: TrackInput[] = [
  { name: 'database-architect', dependsOn: [] },
  { name: 'mcp-server-manager', dependsOn: ['database-architect'] },
  { name: 'agent-registry', dependsOn: ['database-architect'] },
  { name: 'protocol-manager', dependsOn: ['service:bus'] },
  { name: 'context-manager', dependsOn: ['database-architect', 'agent-registry'] },
  { name: 'workflow-execution', dependsOn: ['database-architect', 'agent-registry', 'protocol-manager'] },
  { name: 'api-endpoint', dependsOn: ['mcp-server-manager', 'agent-registry'] },
  { name: 'security', dependsOn: [] },
  { name: 'testing', dependsOn: [] },
];

const graphs = fc
  .array(fc.array(fc.nat({ max: 40 }), { maxLength: 4 }), { maxLength: 40 })
  .map((needs) => needs.map((before, i): TrackInput => ({ name: `n${i}`, dependsOn: before.filter((n) => n < i).map((n) => `n${n}`) })));

test('the nine agents stand in columns by depth, with the bus as something that is no agent', () => {
  const { nodes } = layTracks(nine);
  const columns = Object.fromEntries(nodes.map(({ name, column }) => [name, column]));
  expect(columns).toMatchObject({
    'database-architect': 0,
    'service:bus': 0,
    'agent-registry': 1,
    'protocol-manager': 1,
    'workflow-execution': 2,
    'api-endpoint': 2,
  });
  expect(nodes.filter(({ external }) => external).map(({ name }) => name)).toEqual(['service:bus']);
});

test('agents that nothing ties stand below the tracks, side by side', () => {
  const { nodes } = layTracks(nine);
  const at = (name: string) => nodes.find((node) => node.name === name)!;
  expect(at('security').y).toBe(at('testing').y);
  expect(at('security').x).toBeLessThan(at('testing').x);
  for (const node of nodes) if (!['security', 'testing'].includes(node.name)) expect(node.y).toBeLessThan(at('security').y);
});

test('a line that another path implies is not drawn', () => {
  const drawn = layTracks(nine).lines.map(({ from, to }) => `${from} ${to}`);
  expect(drawn).toContain('agent-registry context-manager');
  expect(drawn).not.toContain('database-architect context-manager');
  expect(drawn).toHaveLength(8);
});

test('lines run level, or by 45 degrees, or upright between 45 degree corners', () => {
  fc.assert(
    fc.property(graphs, (inputs) => {
      for (const { path } of layTracks(inputs).lines) {
        let [x, y] = [0, 0];
        for (const [, command, a, b] of path.matchAll(/([MLHV])(-?[\d.]+)(?: (-?[\d.]+))?/g)) {
          const [toX, toY] = command === 'H' ? [Number(a), y] : command === 'V' ? [x, Number(a)] : [Number(a), Number(b)];
          if (command === 'L' && Math.abs(Math.abs(toX - x) - Math.abs(toY - y)) >= 0.5) throw new Error(`not 45 degrees: ${path}`);
          [x, y] = [toX, toY];
        }
      }
    }),
  );
});

test('no two nodes overlap, every agent has one node, and lines lead from left to right', () => {
  fc.assert(
    fc.property(graphs, (inputs) => {
      const { nodes, lines, width, height } = layTracks(inputs);
      expect(
        nodes
          .filter(({ external }) => !external)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(inputs.map(({ name }) => name).toSorted());
      const column = new Map(nodes.map((node) => [node.name, node.column]));
      for (const { from, to } of lines) expect(column.get(from)!).toBeLessThan(column.get(to)!);
      for (const [i, a] of nodes.entries()) {
        if (a.x >= width || a.y >= height) throw new Error(`${a.name} is outside`);
        for (const b of nodes.slice(i + 1)) {
          if (a.x === b.x && Math.abs(a.y - b.y) < 38) throw new Error(`${a.name} and ${b.name} overlap: ${a.y} and ${b.y}`);
        }
      }
    }),
  );
});

test('a steep line in a narrow gap goes upright between its corners', () => {
  const fan: TrackInput[] = [
    { name: 'root', dependsOn: [] },
    ...Array.from({ length: 12 }, (_, i) => ({ name: `leaf${i}`, dependsOn: ['root'] })),
  ];
  expect(layTracks(fan).lines.some(({ path }) => path.includes('V'))).toBe(true);
});

test('nothing gives an empty picture, and only untied agents a row of them', () => {
  expect(layTracks([])).toEqual({ nodes: [], lines: [], width: 0, height: 0 });
  const alone = layTracks(['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, dependsOn: [] })));
  expect(alone.nodes.map(({ column }) => column)).toEqual([0, 1, 2, 3, 0]);
  expect(alone.nodes[4]!.y).toBeGreaterThan(alone.nodes[0]!.y);
});

test('a cycle, which the registry refuses, still ends', () => {
  const cycle = [
    { name: 'a', dependsOn: ['b'] },
    { name: 'b', dependsOn: ['a'] },
  ];
  expect([...depthsOf(cycle).keys()].toSorted()).toEqual(['a', 'b']);
  expect(() => layTracks(cycle)).not.toThrow();
});

test('gaps fill the width that there is, within what a bend needs and an eye follows', () => {
  expect(sizesFor(820, 3).gapMin).toBe(152);
  expect(sizesFor(300, 3).gapMin).toBe(52);
  expect(sizesFor(5_000, 3).gapMin).toBe(trackSizes.gapMax);
  expect(sizesFor(820, 1)).toBe(trackSizes);
});
