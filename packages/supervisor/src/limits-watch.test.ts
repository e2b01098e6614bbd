import { expect, test } from '@jest/globals';
import { listByPs, listProcesses, treeOf, type ProcessEntry } from './process/process-table.ts';
import { overLimits } from './limits-watch.ts';

const entry = (pid: number, parent: number, more: Partial<ProcessEntry> = {}): ProcessEntry => ({
  pid,
  parent,
  group: pid,
  session: pid,
  memory: 100,
  name: 'x',
  isZombie: false,
  ...more,
});
const limits = { memoryMaxBytes: 350, processesMax: 4, openFilesMax: 10 };

test('a tree is all that descends from a child, and who shares its group or session', () => {
  const processes = [
    entry(1, 0),
    entry(10, 1),
    entry(12, 11),
    entry(11, 10),
    entry(13, 1, { session: 10 }),
    entry(14, 1, { group: 10 }),
    entry(20, 1),
  ];
  expect(treeOf(10, processes).map(({ pid }) => pid)).toEqual([12, 11, 13, 14]);
  expect(treeOf(10, [entry(10, 1), entry(11, 10, { isZombie: true })])).toEqual([]);
});

test('a tree over its number of processes or its memory is named', () => {
  const tree = [entry(10, 1), entry(11, 10), entry(12, 10)];
  expect(overLimits(10, limits, tree)).toBeNull();
  expect(overLimits(10, limits, [...tree, entry(13, 10)])).toMatch(/^it used more than/);
  expect(overLimits(10, { ...limits, memoryMaxBytes: 10_000 }, [...tree, entry(13, 10), entry(14, 10)])).toBe(
    'it had more than 4 processes',
  );
  expect(overLimits(99, limits, tree)).toBeNull();
});

test('this process is seen with its memory', async () => {
  const own = (await listProcesses()).find(({ pid }) => pid === process.pid);
  expect(own).toMatchObject({ parent: process.ppid, isZombie: false });
  expect(own!.memory).toBeGreaterThan(10 * 1024 * 1024);
});

test('ps tells the same of this process', async () => {
  expect((await listByPs()).find(({ pid }) => pid === process.pid)).toMatchObject({ parent: process.ppid, isZombie: false });
});
