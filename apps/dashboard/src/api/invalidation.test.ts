import { expect, test } from '@jest/globals';
import { staleAfter } from './invalidation.ts';
import { isCut } from './shapes.ts';

test.each([
  ['agent.changed', { id: 'agent_1', name: 'analyst' }, [['agents'], ['board'], ['agent', 'analyst']]],
  ['instance.changed', { agent: 'analyst', instance: 'analyst-1' }, [['agents'], ['board'], ['agent', 'analyst']]],
  ['breaker.changed', {}, [['agents'], ['board'], ['agent']]],
  ['stage.changed', { id: 'agent_1', name: 'analyst', stage: 'staging' }, [['agents'], ['board'], ['agent', 'analyst']]],
  ['evidence.added', { id: 'evidence_1', agent: 'analyst' }, [['agent', 'analyst']]],
  ['evidence.added', null, [['agent']]],
  ['kpi.changed', { kpi: 'errors' }, [['kpis']]],
  ['eval.ended', { id: 'eval_1', agent: 'analyst' }, [['eval'], ['agent', 'analyst']]],
  [
    'rollout.changed',
    { id: 'rollout_1', agent: 'analyst' },
    [
      ['rollout', 'rollout_1'],
      ['agent', 'analyst'],
    ],
  ],
  ['deployment.changed', { name: 'nine-agents' }, [['deployments'], ['board', 'nine-agents']]],
  ['deployment.changed', null, [['deployments'], ['board']]],
  ['run.changed', { id: 'run_1', workflow: 'w' }, [['runs'], ['run', 'run_1'], ['workflow', 'w']]],
  ['run.changed', { payload: { id: 'run_1' } }, [['runs'], ['run', 'run_1']]],
  ['run.changed', 'odd', [['runs'], ['run']]],
  ['approval.changed', { id: 'approval_1', run: 'run_1' }, [['approvals'], ['approval', 'approval_1'], ['run', 'run_1']]],
  ['incident.changed', { id: 'incident_1', agent: 'a' }, [['incidents'], ['incident', 'incident_1']]],
  ['approval.changed', {}, [['approvals'], ['approval'], ['run']]],
  ['mcp-server.changed', { name: 'files' }, [['mcp-servers'], ['tools'], ['mcp-server', 'files']]],
  ['mcp-server.changed', {}, [['mcp-servers'], ['tools'], ['mcp-server']]],
  ['service.changed', {}, [['services']]],
  ['workflow.changed', {}, [['workflows'], ['workflow']]],
  ['artifact.created', { run: 'run_1' }, [['run', 'run_1', 'artifacts']]],
  ['artifact.created', {}, [['run']]],
  ['key.changed', {}, [['keys']]],
  ['secret.changed', { name: 'token' }, [['secrets']]],
  ['reset', {}, [[]]],
  ['weather.changed', {}, []],
])('%s makes old what it concerns', (type, data, keys) => {
  expect(staleAfter(type, data)).toEqual(keys);
});

test('a value that was cut is known by its mark', () => {
  expect(isCut({ truncated: true, bytes: 9, preview: 'x' })).toBe(true);
  expect([isCut({ truncated: true }), isCut(null), isCut('x')]).toEqual([false, false, false]);
});
