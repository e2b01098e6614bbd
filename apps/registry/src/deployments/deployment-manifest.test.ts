import { describe, expect, test } from '@jest/globals';
import { parseDeploymentManifest } from './deployment-manifest.ts';

const reported = { estimateDays: [1, 2], steps: [{ name: 's' }] };

function errorsOf(spec: unknown, over: Record<string, unknown> = {}): unknown {
  try {
    parseDeploymentManifest('d', { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' }, spec, ...over });
    return [];
  } catch (fault) {
    expect(fault).toMatchObject({ code: 'invalid' });
    return (fault as { errors: unknown }).errors;
  }
}

describe('a deployment manifest', () => {
  test('with a cycle is refused, and the cycle is named', () => {
    const agents = [
      { name: 'a', dependsOn: ['b'], ...reported },
      { name: 'b', dependsOn: ['c'], ...reported },
      { name: 'c', dependsOn: ['a'], ...reported },
    ];
    expect(errorsOf({ agents })).toEqual([
      { pointer: '/spec/agents/0/dependsOn', detail: 'goes round in a circle: a waits for b waits for c waits for a' },
    ]);
  });

  test('with unknown dependencies is refused, and each is named', () => {
    const agents = [{ name: 'a', dependsOn: ['b', 'service:moon', 'a', 'mcp-server:files', 'service:bus', 'Not A Name'], ...reported }];
    expect(errorsOf({ agents })).toEqual([
      { pointer: '/spec/agents/0/dependsOn/0', detail: 'names b, which is no agent of this deployment' },
      {
        pointer: '/spec/agents/0/dependsOn/1',
        detail:
          'names the service moon, which there is not; there are bus, database, api-gateway, registry, mcp-server, protocol, context, execution, security',
      },
      { pointer: '/spec/agents/0/dependsOn/2', detail: 'is a itself' },
      { pointer: '/spec/agents/0/dependsOn/5', detail: 'must be an agent of this deployment, service:NAME or mcp-server:NAME' },
    ]);
  });

  test('with a name twice is refused', () => {
    expect(
      errorsOf({
        agents: [
          { name: 'a', ...reported },
          { name: 'a', ...reported },
        ],
      }),
    ).toEqual([{ pointer: '/spec/agents/1/name', detail: 'names a a second time' }]);
    expect(errorsOf({ agents: [{ name: 'a', estimateDays: [1, 2], steps: [{ name: 's' }, { name: 's' }] }] })).toEqual([
      { pointer: '/spec/agents/0/steps/1/name', detail: 'names the step s a second time' },
    ]);
  });

  test('with an estimate that runs backwards, or with none for a reported step, is refused', () => {
    expect(errorsOf({ agents: [{ name: 'a', estimateDays: [2, 1], steps: [{ name: 's', estimate: [3, 2] }] }] })).toEqual([
      { pointer: '/spec/agents/0/estimateDays', detail: 'must be low, then high' },
      { pointer: '/spec/agents/0/steps/0/estimate', detail: 'must be low, then high' },
    ]);
    expect(errorsOf({ agents: [{ name: 'a', steps: [{ name: 's' }] }] })).toEqual([
      { pointer: '/spec/agents/0/estimateDays', detail: 'is missing: nobody can tell how long the reported step s takes' },
    ]);
  });

  test('with settings of another source is refused', () => {
    expect(errorsOf({ agents: [{ name: 'a', ...reported, steps: [{ name: 's', share: 0.5, call: { skill: 'x' } }] }] })).toEqual([
      { pointer: '/spec/agents/0/steps/0', detail: '`share` and `calls` are for steps of the source traffic' },
      { pointer: '/spec/agents/0/steps/0/call', detail: 'is for steps of the source contract-test' },
    ]);
  });

  test('with unknown fields and wrong types is refused, each with its place', () => {
    expect(errorsOf({ agents: [{ name: 'A b', depends: [], ...reported }], stage: 'moon' }, { extra: 1 })).toEqual(
      expect.arrayContaining([
        { pointer: '/extra', detail: 'is not a known field' },
        { pointer: '/spec/stage', detail: 'must be one of integration, staging, production, full-access' },
        { pointer: '/spec/agents/0/depends', detail: 'is not a known field; is dependsOn meant?' },
        { pointer: '/spec/agents/0/name', detail: 'must be a name: lower-case letters, digits and hyphens, at most 63' },
      ]),
    );
    expect(errorsOf(undefined)).toEqual([{ pointer: '/spec', detail: 'is missing' }]);
    expect(errorsOf({ agents: [] })).toEqual([{ pointer: '/spec/agents', detail: 'must NOT have fewer than 1 items' }]);
  });

  test('that names itself otherwise than its address is refused', () => {
    expect(errorsOf({ agents: [{ name: 'a', ...reported }] }, { metadata: { name: 'other' } })).toEqual([
      { pointer: '/metadata/name', detail: 'must be d, the name in the address' },
    ]);
  });

  test('gets the usual steps where it names none', () => {
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { agents: [{ name: 'a' }] } };
    const { plan } = parseDeploymentManifest('d', manifest);
    expect(plan.agents[0]!.steps.map(({ name, source }) => [name, source])).toEqual([
      ['start', 'runner'],
      ['probe', 'probe'],
      ['contract', 'contract-test'],
    ]);
  });
});
