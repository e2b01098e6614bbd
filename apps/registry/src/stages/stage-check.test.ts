import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { dayMs } from '../evidence/evidence-row.ts';
import { readEvidence } from '../evidence/read-evidence.ts';
import { gatesOf, knownGates, parseGateManifest, type KnownGate } from '../gates/gate.ts';
import type { GateManifest } from '../manifests/manifest.ts';
import type { Holder, Measured, Move } from './facts.ts';
import { checkStage, type StageFacts } from './stage-check.ts';

const now = Date.parse('2026-11-27T00:00:00Z');

function gate(name: string, spec: Partial<GateManifest['spec']>): KnownGate {
  const manifest: GateManifest = {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Gate',
    metadata: { name },
    spec: { stages: ['production'], metrics: [], ...spec },
  };
  return { manifest, version: 1, hash: 'sha256:', updatedAt: new Date(now) };
}

function measured(metric: string, value: number, { source = 'ci', ageDays = 0 } = {}): Measured {
  return { metric, value, source, evidence: 'evidence_1', at: new Date(now - ageDays * dayMs) };
}

function holder(stage: Stage, version: number): [Stage, Holder] {
  return [stage, { stage, version, previous: null, since: new Date(now), by: 'user_a', byName: 'a' }];
}

function factsOf(facts: Partial<StageFacts>): StageFacts {
  return {
    ...{ agent: 'analyst', version: 2, asker: 'user_asks', gates: [], holders: new Map([holder('staging', 2)]), measured: new Map() },
    ...{ moves: [], now, ...facts },
  };
}

function checked(gates: KnownGate[], values: Measured[], more: Partial<StageFacts> = {}): ReturnType<typeof checkStage> {
  return checkStage('production', factsOf({ gates, measured: new Map([[2, values], ...(more.measured ?? [])]), ...omit(more) }));
}

function omit({ measured: _, ...rest }: Partial<StageFacts>): Partial<StageFacts> {
  return rest;
}

describe('a metric', () => {
  const rate = gate('rate', { metrics: [{ metric: 'tests.integration.passRate', min: 0.95 }] });

  test('that is short says by how much, and which command brings more', () => {
    const { allowed, gates, blockers } = checked([rate], [measured('tests.integration.passRate', 0.9)]);
    expect(allowed).toBe(false);
    expect(gates[0]!.metrics[0]).toMatchObject({ standing: 'short', value: 0.9, shortBy: expect.closeTo(0.05) });
    expect(blockers).toEqual([
      {
        because: 'rate: tests.integration.passRate is 0.9, and must be at least 0.95: 0.05 too little',
        next: 'signalbox evidence add analyst@2 --suite integration --file junit.xml',
      },
    ]);
  });

  test('that nobody measured is missing, and one measured too long ago expired', () => {
    expect(checked([rate], []).gates[0]!.metrics[0]).toMatchObject({ standing: 'missing' });
    const old = measured('tests.integration.passRate', 1, { ageDays: 31 });
    expect(checked([rate], [old]).gates[0]!.metrics[0]).toMatchObject({
      standing: 'expired',
      says: expect.stringContaining('expired on 2026-11-26'),
    });
    const longer = gate('rate', { metrics: [{ metric: 'tests.integration.passRate', min: 0.95 }], evidenceDays: 60 });
    expect(checked([longer], [old]).allowed).toBe(true);
  });

  test('of several sources is the worst of them', () => {
    const values = [measured('tests.integration.passRate', 1), measured('tests.integration.passRate', 0.5, { source: 'nightly' })];
    expect(checked([rate], values).gates[0]!.metrics[0]).toMatchObject({ standing: 'short', value: 0.5, source: 'nightly' });
  });
});

describe('a metric against the version at the stage', () => {
  const speed = gate('speed', {
    metrics: [
      { metric: 'performance.latencyP95Ms', maxRise: 0.1 },
      { metric: 'performance.throughputPerSecond', maxFall: 0.1 },
      { metric: 'performance.errorRate', maxRise: 0.1, slack: 0.005 },
    ],
  });
  const known = (latency: number, throughput: number, errors: number): Measured[] => [
    measured('performance.latencyP95Ms', latency),
    measured('performance.throughputPerSecond', throughput),
    measured('performance.errorRate', errors),
  ];
  const before: Partial<StageFacts> = {
    holders: new Map([holder('staging', 2), holder('production', 1)]),
    measured: new Map([[1, known(100, 50, 0)]]),
  };

  test('may be a little worse, and no more', () => {
    expect(checked([speed], known(109, 46, 0.004), before).allowed).toBe(true);
    expect(checked([speed], known(130, 40, 0.02), before).blockers.map(({ because }) => because)).toEqual([
      'speed: performance.latencyP95Ms is 130, and must be at most 110 (version 1 has 100): 20 too much',
      'speed: performance.throughputPerSecond is 40, and must be at least 45 (version 1 has 50): 5 too little',
      'speed: performance.errorRate is 0.02, and must be at most 0.005 (version 1 has 0): 0.015 too much',
    ]);
  });

  test('needs only to be known where the stage has no version yet', () => {
    expect(checked([speed], known(1e6, 0, 1)).allowed).toBe(true);
    expect(checked([speed], []).allowed).toBe(false);
  });

  test('cannot be compared with a version of which nothing is known', () => {
    const { gates } = checked([speed], known(1, 1, 0), { ...before, measured: new Map() });
    expect(gates[0]!.metrics[0]).toMatchObject({
      standing: 'no-baseline',
      next: 'signalbox evidence measure analyst@1',
    });
  });

  test('never passes for being worse than what was refused', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }), (latency, more) => {
        const at = (value: number): boolean => checked([speed], known(value, 50, 0), before).allowed;
        return at(latency) || !at(latency + more);
      }),
    );
  });
});

describe('approvals', () => {
  const four = gate('four-eyes', { approvals: { count: 2, roles: ['admin', 'operator'] } });
  const move = (by: string, what: Partial<Move> = {}): Move => ({
    ...{ move: 'approved', stage: 'production', version: 2, by, byName: by, roles: ['operator'], reason: null, at: new Date(now) },
    ...what,
  });

  test('count once a person, not from whoever asks, and only from the roles', () => {
    const moves = [move('user_asks'), move('user_a'), move('user_a'), move('user_v', { roles: ['viewer'] })];
    expect(checked([four], [], { moves })).toMatchObject({
      allowed: false,
      gates: [
        {
          approvals: {
            met: false,
            given: [{ by: 'user_a' }],
            says: '1 of 2 approvals by admin or operator; that of whoever asks does not count',
          },
        },
      ],
    });
    expect(checked([four], [], { moves: [move('user_b'), ...moves] }).allowed).toBe(true);
  });

  test('of another version, of another stage, too old, or from before a demotion do not count', () => {
    const others = [
      move('user_a', { version: 1 }),
      move('user_b', { stage: 'staging' }),
      move('user_c', { at: new Date(now - 31 * dayMs) }),
      move('user_d', { move: 'demoted' }),
      move('user_e'),
    ];
    expect(checked([four], [], { moves: others }).gates[0]!.approvals).toMatchObject({ given: [] });
  });
});

test('stages come one after the other', () => {
  const facts = factsOf({ holders: new Map([holder('staging', 1)]) });
  expect(checkStage('production', facts).blockers).toEqual([
    { because: 'version 2 is not at staging: version 1 is', next: 'signalbox promote analyst@2 --to staging' },
  ]);
  expect(checkStage('integration', facts).allowed).toBe(true);
});

describe('the gates of an agent', () => {
  const names = (known: KnownGate[], agent: string): string[] => gatesOf(known, agent, 'integration').map(({ metadata }) => metadata.name);

  test('are those built in, unless one of the same name stands there or another replaces it for the agent', () => {
    expect(names(knownGates([]), 'a')).toEqual(['unit-tests']);
    const none = gate('unit-tests', { stages: ['staging'] }) as never;
    expect(names(knownGates([none]), 'a')).toEqual([]);
    const own = gate('mine', { stages: ['integration'], agents: ['a'], replaces: 'unit-tests' }) as never;
    expect(names(knownGates([own]), 'a')).toEqual(['mine']);
    expect(names(knownGates([own]), 'b')).toEqual(['unit-tests']);
  });

  test('must make sense', () => {
    const manifest = (name: string, spec: object): object => ({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Gate',
      metadata: { name },
      spec: { stages: ['staging'], ...spec },
    });
    const errorsOf = (name: string, spec: object): unknown => {
      try {
        return parseGateManifest(name, manifest(name, spec));
      } catch (error) {
        return (error as { errors: unknown }).errors;
      }
    };
    expect(errorsOf('unit-tests', { metrics: [], agents: ['a'] })).toMatchObject([{ pointer: '/spec/agents' }]);
    expect(errorsOf('mine', { metrics: [], replaces: 'mine' })).toMatchObject([{ pointer: '/spec/replaces' }]);
    const metrics = [
      { metric: 'a', min: 2, max: 1 },
      { metric: 'a', max: 1, slack: 1 },
    ];
    expect(errorsOf('mine', { metrics })).toMatchObject([
      { pointer: '/spec/metrics/0/min' },
      { pointer: '/spec/metrics/1/metric' },
      { pointer: '/spec/metrics/1/slack' },
    ]);
    expect(errorsOf('mine', { metrics: [{ metric: 'a' }] })).toMatchObject([{ pointer: '/spec/metrics/0' }]);
  });
});

test('the example’s gates can be applied, and its report meets them', async () => {
  const folder = new URL('../../../../examples/gates/', import.meta.url);
  const gates = [];
  for (const file of ['1-quality.yaml', '2-four-eyes.yaml', '3-slow-analyst.yaml']) {
    const value = parse(await readFile(new URL(file, folder), 'utf8')) as GateManifest;
    gates.push({ manifest: parseGateManifest(value.metadata.name, value), version: 1, hash: '', updatedAt: new Date(now) });
  }
  const { metrics } = readEvidence({ format: 'json', content: await readFile(new URL('metrics.json', folder), 'utf8') });
  const values = Object.entries({ ...metrics, 'tests.integration.passRate': 1, 'security.critical': 0 }).map(([metric, value]) =>
    measured(metric, value),
  );
  const facts = factsOf({
    ...{ gates: knownGates(gates), measured: new Map([[2, values]]) },
    holders: new Map([holder('integration', 2), holder('staging', 2)]),
  });
  expect(checkStage('staging', facts).blockers).toEqual([]);
  expect(checkStage('production', facts).blockers.map(({ because }) => because)).toEqual([
    'four-eyes: 0 of 1 approval by operator or admin',
  ]);
});
