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
      { pointer: '/spec/agents/0/dependsOn/0', detail: 'names b, which is no agent or member of this deployment' },
      {
        pointer: '/spec/agents/0/dependsOn/1',
        detail:
          'names the service moon, which there is not; there are bus, database, api-gateway, registry, mcp-server, protocol, context, execution, security',
      },
      { pointer: '/spec/agents/0/dependsOn/2', detail: 'is a itself' },
      { pointer: '/spec/agents/0/dependsOn/5', detail: 'must be an agent or member of this deployment, service:NAME or mcp-server:NAME' },
    ]);
  });

  test('says of what it needs how it lives without that; a name alone says nothing of it', () => {
    const agents = [
      {
        name: 'a',
        dependsOn: ['b', { name: 'c', whenMissing: 'degrade' }, { name: 'd', whenMissing: 'stop' }, { name: 'service:bus' }],
        ...reported,
      },
    ];
    const others = ['b', 'c', 'd'].map((name) => ({ name, ...reported }));
    const { plan } = parseDeploymentManifest('d', {
      ...{ apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' } },
      spec: { agents: [...agents, ...others] },
    });
    expect(plan.agents[0]).toMatchObject({ dependsOn: ['b', 'c', 'd', 'service:bus'] });
    expect([...plan.agents[0]!.whenMissing]).toEqual([
      ['c', 'degrade'],
      ['d', 'stop'],
    ]);
  });

  test('with something needed twice, or that stops what has no routing, is refused', () => {
    const agents = [
      { name: 'a', dependsOn: ['b', { name: 'b', whenMissing: 'stop' }, { name: 'x' }], ...reported },
      { name: 'b', ...reported },
    ];
    const members = [{ kind: 'secret', name: 's', dependsOn: [{ name: 'a', whenMissing: 'stop' }] }];
    expect(errorsOf({ agents, members })).toEqual([
      { pointer: '/spec/agents/0/dependsOn/1', detail: 'names b a second time' },
      { pointer: '/spec/agents/0/dependsOn/2', detail: 'names x, which is no agent or member of this deployment' },
      { pointer: '/spec/members/0/dependsOn/0/whenMissing', detail: 'must be wait or degrade: only an agent can be taken out of routing' },
    ]);
    expect(errorsOf({ agents: [{ name: 'a', dependsOn: [{ name: 'service:bus', whenMissing: 'panic' }], ...reported }] })).not.toEqual([]);
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

describe('members of other kinds', () => {
  test('share the names of the agents, depend on them and they on it', () => {
    const agents = [{ name: 'a', dependsOn: ['tables'], ...reported }];
    const members = [
      { kind: 'migration', name: 'tables', command: ['node', 'tables.mjs'], dependsOn: ['a'] },
      { kind: 'secret', name: 'a' },
    ];
    expect(errorsOf({ agents, members })).toEqual([{ pointer: '/spec/members/1/name', detail: 'names a a second time' }]);
    expect(errorsOf({ agents, members: [members[0]] })).toEqual([
      { pointer: '/spec/agents/0/dependsOn', detail: 'goes round in a circle: a waits for tables waits for a' },
    ]);
    expect(errorsOf({ members: [{ kind: 'secret', name: 'token' }] })).toEqual([]);
    expect(errorsOf({})).toEqual([{ pointer: '/spec/agents', detail: 'is missing' }]);
  });

  test('have the fields and step sources of their kind alone', () => {
    const members = [
      { kind: 'secret', name: 'a', tools: ['read'], command: ['node'], steps: [{ name: 's', source: 'runner' }] },
      { kind: 'migration', name: 'b', hash: `sha256:${'0'.repeat(64)}`, ref: 'c', cwd: '.' },
      { kind: 'migration', name: 'c', command: ['sh', '-c', 'x'], env: { TOKEN: 'Bearer secret://Nope' } },
    ];
    expect(errorsOf({ members })).toEqual([
      { pointer: '/spec/members/0/tools', detail: 'is for members of kind mcp-server' },
      { pointer: '/spec/members/0/command', detail: 'is for members of kind migration' },
      { pointer: '/spec/members/0/steps/0/source', detail: 'must be probe or reported for a member of kind secret' },
      { pointer: '/spec/members/1/hash', detail: 'is for members of kind workflow' },
      { pointer: '/spec/members/1/cwd', detail: 'is for a migration with a command' },
      { pointer: '/spec/members/1/ref', detail: 'is for members of kind mcp-server, workflow or secret' },
      { pointer: '/spec/members/1/estimateDays', detail: expect.stringMatching(/^is missing: nobody can tell/) },
      { pointer: '/spec/members/2/command', detail: expect.stringMatching(/is refused: sh is a shell/) },
      { pointer: '/spec/members/2/env/TOKEN', detail: expect.any(String) },
    ]);
    const idle = { kind: 'migration', name: 'a', command: ['node', 'x.mjs'], estimateDays: [1, 1], steps: [{ name: 's' }] };
    expect(errorsOf({ members: [idle] })).toEqual([
      { pointer: '/spec/members/0/steps', detail: 'has no step of the source runner: its command would never run' },
    ]);
  });
});
