import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { instancesMeasured, type InstanceMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { tasksTakenBack } from '@signalbox/shared/contracts/execution/tasks-taken-back.js';
import { workflowScaled } from '@signalbox/shared/contracts/execution/workflow-scaled.js';
import { acknowledgeIncident } from '@signalbox/shared/contracts/registry/acknowledge-incident.js';
import { applyAgent, type ApplyAgentReply } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { beatInstance, type BeatInstanceReply, type BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { agentChanged, instanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getIncident, type GetIncidentReply } from '@signalbox/shared/contracts/registry/get-incident.js';
import { incidentChanged } from '@signalbox/shared/contracts/registry/incident-changed.js';
import type { Incident } from '@signalbox/shared/contracts/registry/incident.js';
import { isolateAgent } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { listIncidents } from '@signalbox/shared/contracts/registry/list-incidents.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { listKpis } from '@signalbox/shared/contracts/registry/list-kpis.js';
import { listIsolations } from '@signalbox/shared/contracts/registry/list-isolations.js';
import { noteIncident } from '@signalbox/shared/contracts/registry/note-incident.js';
import { promoteRollout } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { recoverAgent } from '@signalbox/shared/contracts/registry/recover-agent.js';
import { releaseAgent } from '@signalbox/shared/contracts/registry/release-agent.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { resolveIncident } from '@signalbox/shared/contracts/registry/resolve-incident.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { agentManifest, otherWorkspace, startRegistry, until, type RegistryUnderTest } from './registry.ts';

let registry: RegistryUnderTest;
const beating = new Map<string, NodeJS.Timeout>();
beforeAll(async () => {
  registry = await startRegistry({ RECOVERY_SETTLE_MS: '1000' });
}, 60_000);
afterAll(async () => {
  for (const timer of beating.values()) clearInterval(timer);
  await registry[Symbol.asyncDispose]();
});

function beat(agent: string, instance: string, rest: Partial<BeatInstanceRequest> = {}): Promise<BeatInstanceReply> {
  return registry.service.request(beatInstance, { agent, instance, capacity: 2, inFlight: 0, ...rest });
}

/** An agent whose instances beat until `silence` is called for them. */
async function agentOf(name: string, instances: number, recovery: Record<string, unknown> = {}): Promise<void> {
  await registry.service.request(applyAgent, { name, manifest: agentManifest(name, { kind: 'worker', recovery }) });
  for (let index = 0; index < instances; index++) {
    const instance = `i${index}`;
    await beat(name, instance);
    beating.set(
      `${name} ${instance}`,
      setInterval(() => void beat(name, instance).catch(() => undefined), 150),
    );
  }
}

/** Six instances come, and go without being asked to. */
async function lose(agent: string): Promise<void> {
  for (let index = 0; index < 6; index++) await beat(agent, `lost-${index}`);
  for (let index = 0; index < 6; index++) await beat(agent, `lost-${index}`, { status: 'gone' });
}

function silence(agent: string, instance: string): void {
  clearInterval(beating.get(`${agent} ${instance}`));
}

function measured(instances: InstanceMeasure[]): Promise<void> {
  return registry.service.publish(instancesMeasured, { instances, poison: [], overBudget: [] });
}

const well = (agent: string, instance: string): InstanceMeasure => ({ agent, instance, succeeded: 10, failed: 0, totalMs: 100 });
const bad = (agent: string, instance: string): InstanceMeasure => ({ agent, instance, succeeded: 1, failed: 9, totalMs: 100 });

async function incidentOf(agent: string, cause?: Incident['cause']): Promise<Incident | undefined> {
  const { data } = await registry.service.request(listIncidents, { agent, ...(cause && { cause }) });
  return data[0];
}

async function stagesOf(id: string): Promise<string[]> {
  const { timeline } = await registry.service.request(getIncident, { id });
  return timeline.map(({ stage }) => stage);
}

function incident(id: string): Promise<GetIncidentReply> {
  return registry.service.request(getIncident, { id });
}

describe('by hand', () => {
  test('nobody isolates what is not there or is gone, and no viewer or worker isolates anything', async () => {
    const { service } = registry;
    const reason = 'a look at it';
    await expect(service.request(isolateAgent, { agent: 'nobody', reason })).rejects.toMatchObject({ code: 'not_found' });
    await agentOf('refused', 1);
    await expect(service.request(isolateAgent, { agent: 'refused', instance: 'i9', reason })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(isolateAgent, { agent: 'refused', reason: '' })).rejects.toMatchObject({ code: 'invalid' });
    for (const role of ['viewer', 'agent'] as const) {
      await expect(service.request(isolateAgent, { agent: 'refused', reason }, { as: { roles: [role] } })).rejects.toMatchObject({
        code: 'forbidden',
      });
    }
    const foreign = { as: { workspace: otherWorkspace } };
    await expect(service.request(isolateAgent, { agent: 'refused', reason }, foreign)).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(releaseAgent, { agent: 'refused' })).rejects.toMatchObject({
      code: 'not_found',
      detail: 'the agent refused is not isolated',
    });
    silence('refused', 'i0');
    await beat('refused', 'i0', { status: 'gone' });
    await expect(service.request(isolateAgent, { agent: 'refused', instance: 'i0', reason })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('an instance is isolated, whatever it beats, until it is released', async () => {
    const { service } = registry;
    await agentOf('held', 2);
    const told = await service.record(instanceChanged);
    const audits = await service.record(auditEvents.registry);
    const { resource } = await service.request(isolateAgent, { agent: 'held', instance: 'i0', reason: 'it looks odd' });
    expect(resource).toMatchObject({ instance: 'i0', cause: 'by-hand', because: 'it looks odd', state: 'isolated', nextAt: null });
    await told.next((payload) => payload.agent === 'held' && payload.status === 'isolated');
    await expect(audits.next((payload) => payload.action === 'agent.isolate')).resolves.toMatchObject({
      target: 'instance held/i0',
      detail: { reason: 'it looks odd' },
    });
    await beat('held', 'i0', { capacity: 5 });
    await beat('held', 'i0');
    await expect(service.request(resolveAgent, { name: 'held' })).resolves.toMatchObject({
      status: 'degraded',
      statusReason: '1 instance of 2 is isolated',
      instances: [{ instance: 'i1' }],
      isolated: ['i0'],
    });
    const { data } = await service.request(listInstances, { agent: 'held', status: 'isolated' });
    expect(data).toMatchObject([{ instance: 'i0', statusReason: 'it looks odd' }]);
    // The same again changes nothing.
    await expect(service.request(isolateAgent, { agent: 'held', instance: 'i0', reason: 'again' })).resolves.toEqual({ resource });
    await service.request(releaseAgent, { agent: 'held' });
    const after = await service.request(resolveAgent, { name: 'held' });
    expect(after).toMatchObject({ status: 'healthy' });
    expect(after.instances).toHaveLength(2);
    expect(after).not.toHaveProperty('isolated');
    expect(await stagesOf(resource.incident)).toEqual(['detected', 'escalated', 'isolated', 'released']);
  });

  test('an instance that drains still does when it is released, whether it began to before or while it was isolated', async () => {
    const { service } = registry;
    await agentOf('drains', 2);
    for (const instance of ['i0', 'i1']) silence('drains', instance);
    await beat('drains', 'i0', { status: 'draining' });
    for (const instance of ['i0', 'i1']) await service.request(isolateAgent, { agent: 'drains', instance, reason: 'no' });
    await beat('drains', 'i1', { status: 'draining' });
    await service.request(releaseAgent, { agent: 'drains' });
    const { instances } = await service.request(resolveAgent, { name: 'drains' });
    expect(instances.map(({ status }) => status)).toEqual(['draining', 'draining']);
  });

  test('an instance that goes and comes back under its name is still isolated', async () => {
    const { service } = registry;
    await agentOf('sly', 2);
    await service.request(isolateAgent, { agent: 'sly', instance: 'i0', reason: 'no' });
    silence('sly', 'i0');
    await beat('sly', 'i0', { status: 'gone' });
    await beat('sly', 'i0');
    await expect(service.request(resolveAgent, { name: 'sly' })).resolves.toMatchObject({
      isolated: ['i0'],
      instances: [{ instance: 'i1' }],
    });
    await expect(service.request(listInstances, { agent: 'sly', status: 'isolated' })).resolves.toMatchObject({
      data: [{ instance: 'i0' }],
    });
  });

  test('an instance that is gone for a minute, or whose process has ended, is not isolated any more, and its incident ends', async () => {
    const { service } = registry;
    await agentOf('left', 3);
    for (const instance of ['i0', 'i1']) {
      await service.request(isolateAgent, { agent: 'left', instance, reason: 'no' });
      silence('left', instance);
      await beat('left', instance, { status: 'gone' });
    }
    await service.database.sql(`UPDATE isolation SET state = 'trial' WHERE agent = 'left' AND instance = 'i1';
      UPDATE instance SET changed_at = now() - interval '61 seconds' WHERE agent = 'left' AND instance = 'i0';
      UPDATE instance SET has_ended = true WHERE agent = 'left' AND instance = 'i1'`);
    await until('both are let go', async () => (await service.request(listIsolations, { agent: 'left' })).data.length === 0);
    const { id } = (await incidentOf('left', 'by-hand'))!;
    await until('the end', async () => (await incident(id)).status === 'resolved');
    expect((await stagesOf(id)).slice(-3)).toEqual(['released', 'released', 'resolved']);
  });

  test('a resolved incident is kept while something of it is isolated, so that its release can be told', async () => {
    const { service } = registry;
    for (const agent of ['kept', 'forgotten']) {
      await agentOf(agent, 2);
      const { resource } = await service.request(isolateAgent, { agent, instance: 'i0', reason: 'no' });
      if (agent === 'forgotten') await service.request(releaseAgent, { agent });
      await service.request(resolveIncident, { id: resource.incident });
    }
    await service.database.sql(
      `UPDATE incident SET resolved_at = now() - interval '91 days' WHERE agents && ARRAY['kept', 'forgotten'] AND status = 'resolved'`,
    );
    await until('the other is forgotten', async () => (await incidentOf('forgotten')) === undefined);
    await service.request(releaseAgent, { agent: 'kept' });
  });

  test('an agent is isolated with all of its instances, and let in again by an attempt to recover it', async () => {
    const { service } = registry;
    await agentOf('whole', 1);
    const told = await service.record(agentChanged);
    await service.request(isolateAgent, { agent: 'whole', reason: 'a bad release' });
    await told.next((payload) => payload.name === 'whole' && payload.change === 'routing' && payload.status === 'isolated');
    await expect(service.request(resolveAgent, { name: 'whole' })).resolves.toMatchObject({
      status: 'isolated',
      statusReason: 'it is isolated: a bad release',
    });
    await service.request(recoverAgent, { agent: 'whole' });
    await until('it is let in', async () => (await service.request(resolveAgent, { name: 'whole' })).status === 'healthy');
    await expect(service.request(recoverAgent, { agent: 'whole' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('by itself', () => {
  test('the instance that fails among others that do not is isolated, tried, and let in when its tasks succeed', async () => {
    const { service } = registry;
    await agentOf('judged', 4, { trialAfterMs: 300, trialCalls: 2, owner: 'the platform team', runbook: 'https://runbooks.test/judged' });
    const told = await service.record(incidentChanged);
    await measured([well('judged', 'i0'), well('judged', 'i1'), well('judged', 'i2'), bad('judged', 'i3')]);
    const isolated = await told.next((payload) => payload.stage === 'isolated' && payload.agent === 'judged');
    expect(isolated).toMatchObject({
      cause: 'errors',
      instance: 'i3',
      owner: 'the platform team',
      runbook: 'https://runbooks.test/judged',
    });
    await service.publish(tasksTakenBack, { agent: 'judged', instance: 'i3', tasks: 2 });
    const trial = (): Promise<unknown> =>
      until('a trial', async () =>
        (await service.request(listIsolations, { agent: 'judged' })).data.find(({ state }) => state === 'trial'),
      );
    await trial();
    await expect(service.request(resolveAgent, { name: 'judged' })).resolves.toMatchObject({ trial: ['i3'] });
    // A failure isolates it again, for longer.
    await until('it is isolated again', async () => {
      await measured([bad('judged', 'i3')]);
      return (await service.request(listIsolations, { agent: 'judged' })).data.some(({ state }) => state === 'isolated');
    });
    await trial();
    await until('it is let in', async () => {
      await measured([well('judged', 'i3')]);
      return (await service.request(listIsolations, { agent: 'judged' })).data.length === 0;
    });
    const { id } = (await incidentOf('judged'))!;
    const ended = await until('its incident ends by itself', async () => {
      const now = await incident(id);
      return now.status === 'resolved' && now;
    });
    expect(ended).toMatchObject({ resolvedBy: 'registry', remindAt: null, agents: ['judged'], faults: 1 });
    expect(ended.timeline.map(({ stage }) => stage)).toEqual([
      ...['detected', 'escalated', 'isolated', 'redistributed', 'trial', 'isolated', 'trial', 'recovered', 'resolved'],
    ]);
    // The times of these stages are KPIs.
    const { data } = await service.request(listKpis, { agent: 'judged' });
    const times = new Map(data.map(({ name, count, value }) => [name, { count, value }]));
    for (const stage of ['isolate', 'redistribute', 'recover'] as const) expect([stage, times.get(stage)!.count]).toEqual([stage, 1]);
    expect(times.get('recover')!.value).toBeGreaterThan(600);
  }, 30_000);

  test('an instance of a version that is rolled out is compared with those of its version alone: the rollout compares versions', async () => {
    const { service } = registry;
    await agentOf('newer', 4);
    const versioned = (instance: string, version: number, of: (agent: string, instance: string) => InstanceMeasure): InstanceMeasure => ({
      ...of('newer', instance),
      version,
    });
    await measured([versioned('i0', 1, well), versioned('i1', 1, well), versioned('i2', 2, bad)]);
    await measured([versioned('i0', 1, well), versioned('i1', 1, well), versioned('i3', 1, bad)]);
    await until('the bad one of the others', async () => (await service.request(listIsolations, { agent: 'newer' })).data.length > 0);
    const { data } = await service.request(listIsolations, { agent: 'newer' });
    expect(data.map(({ instance }) => instance)).toEqual(['i3']);
  });

  test('what never gets better is given up, which is critical', async () => {
    await agentOf('hopeless', 3, { trialAfterMs: 100, attempts: 1 });
    await measured([well('hopeless', 'i0'), well('hopeless', 'i1'), bad('hopeless', 'i2')]);
    await until('it is given up', async () => {
      await measured([bad('hopeless', 'i2')]);
      return (await registry.service.request(listIsolations, { agent: 'hopeless' })).data.some(({ state }) => state === 'given-up');
    });
    await expect(incidentOf('hopeless')).resolves.toMatchObject({ severity: 'critical', status: 'open' });
  }, 20_000);

  test('the slow one is found; half of the instances is the most that is isolated, and none where people alone do it', async () => {
    const { service } = registry;
    await agentOf('slow', 2);
    const slow = { agent: 'slow', instance: 'i1', succeeded: 10, failed: 0, totalMs: 50_000 };
    await measured([well('slow', 'i0'), slow]);
    await until('the slow one is isolated', async () => (await service.request(listIsolations, { agent: 'slow' })).data.length === 1);
    await expect(incidentOf('slow')).resolves.toMatchObject({ cause: 'slow', severity: 'medium' });
    await agentOf('careful', 3, { isolate: 'manual' });
    await measured([well('careful', 'i0'), well('careful', 'i1'), bad('careful', 'i2')]);
    const noted = await until('it is told', () => incidentOf('careful'));
    await until('why not', async () => (await incident(noted.id)).timeline.some(({ text }) => text.includes('isolated by people alone')));
    await expect(service.request(listIsolations, { agent: 'careful' })).resolves.toMatchObject({ data: [] });
  }, 20_000);

  test('how long it took until the tasks of one that is lost were given to others is told and measured', async () => {
    const { service } = registry;
    await agentOf('taken', 2);
    silence('taken', 'i0');
    await beat('taken', 'i0', { status: 'gone' });
    await service.publish(tasksTakenBack, { agent: 'taken', instance: 'i0', tasks: 1 });
    const stages = await until('it is told', async () => {
      const one = await incidentOf('taken', 'lost');
      const own = one && (await incident(one.id)).timeline.filter((entry) => entry.agent === 'taken' && entry.instance === 'i0');
      return own?.some(({ stage }) => stage === 'redistributed') && own.map(({ stage }) => stage);
    });
    expect(stages).toEqual(['detected', 'redistributed']);
    const { data } = await service.request(listKpis, { agent: 'taken' });
    const [time] = data.filter(({ name }) => name === 'redistribute');
    expect(time).toMatchObject({ count: 1 });
    expect(time!.value).toBeLessThan(5_000);
  });

  test('those that are isolated and gone do not keep others from being isolated', async () => {
    const { service } = registry;
    await agentOf('refilled', 6);
    for (const instance of ['i0', 'i1']) {
      await service.request(isolateAgent, { agent: 'refilled', instance, reason: 'no' });
      silence('refilled', instance);
      await beat('refilled', instance, { status: 'gone' });
    }
    await measured([bad('refilled', 'i2'), well('refilled', 'i3'), well('refilled', 'i4'), well('refilled', 'i5')]);
    const isolated = async (): Promise<string[]> =>
      (await service.request(listIsolations, { agent: 'refilled' })).data.map(({ instance }) => instance!);
    await until('the bad one is isolated', async () => (await isolated()).includes('i2'), 3_000);
    expect(await isolated()).toEqual(['i0', 'i1', 'i2']);
  });

  test('half of all instances that vanish are one incident', async () => {
    const agents = ['vanish-a', 'vanish-b', 'vanish-c'];
    for (const name of agents) await agentOf(name, 4);
    for (const name of agents) for (const instance of ['i0', 'i1']) silence(name, instance);
    const found = await until('all losses are told', async () => {
      const one = await incidentOf('vanish-c', 'lost');
      return one !== undefined && agents.every((agent) => one.agents.includes(agent)) && one;
    });
    // Others that said goodbye just before may be among them.
    expect(found.title).toMatch(/^\S+ and \d more: instances are lost$/);
    for (const agent of agents) {
      const { data } = await registry.service.request(listIncidents, { agent, cause: 'lost' });
      expect(data.map(({ id }) => id)).toEqual([found.id]);
    }
  }, 20_000);

  test('a version that became current today and is lost again and again goes back to the one that was current before', async () => {
    const { service } = registry;
    const apply = (spec: object): Promise<ApplyAgentReply> =>
      service.request(applyAgent, { name: 'returning', manifest: agentManifest('returning', { kind: 'worker', ...spec }) });
    await apply({});
    for (const share of [0.1, 0.2]) {
      const { rollout } = await apply({ rollout: { strategy: 'canary', steps: [{ share }] } });
      if (share === 0.2) await service.request(promoteRollout, { id: rollout!.id });
    }
    await service.database.sql(`UPDATE agent_version SET created_at = created_at - interval '2 days'`);
    const audits = await service.record(auditEvents.registry);
    await lose('returning');
    await expect(audits.next(({ action }) => action === 'agent.rollback')).resolves.toMatchObject({
      target: 'agent returning',
      detail: { from: 3, to: 1 },
    });
  });

  test('instances that ended in order are no crash loop', async () => {
    await agentOf('orderly', 0, { rollback: false });
    for (let index = 0; index < 7; index++) {
      for (const status of ['live', 'draining', 'gone'] as const) await beat('orderly', `done-${index}`, { status });
    }
    await lose('orderly');
    const { id } = await until('the losses to be told', () => incidentOf('orderly', 'crash-loop'));
    expect((await incident(id)).timeline[0]!.text).toBe('6 instances came and were lost within two minutes');
  });

  test('a task that takes its executors down and a budget that is used up are told, and wait for a person', async () => {
    const { service } = registry;
    await agentOf('eater', 1);
    const fault = { run: newId('run'), step: 'read', agent: 'eater', attempt: 3, detail: 'attempt 3 of read was lost' };
    await service.publish(instancesMeasured, {
      instances: [],
      // Each task that waits is told, and each once.
      poison: [fault, { ...fault, run: newId('run') }, fault],
      overBudget: [{ ...fault, detail: 'budget.tokens: used up' }],
    });
    await until('both are told', async () => (await incidentOf('eater', 'poison-task')) && (await incidentOf('eater', 'budget')));
    await expect(incidentOf('eater', 'poison-task')).resolves.toMatchObject({ faults: 2 });
  });
});

test('a workflow that is scaled back for want of an agent is an incident of it, which ends when that is well', async () => {
  await agentOf('scarce', 1);
  const scaled = { workflow: 'review', to: 'small', how: 'auto' as const, because: 'nobody is there for scarce', by: 'execution' };
  const entity = { entity: 'workflow review', version: 1 };
  await agentOf('long-ago', 1);
  const heardAgain = { ...entity, at: Date.now() - 3_600_000 };
  await registry.service.publish(workflowScaled, { ...scaled, isScaledBack: true, agents: ['long-ago'] }, heardAgain);
  await registry.service.publish(workflowScaled, { ...scaled, isScaledBack: true, agents: ['scarce'] }, entity);
  const found = await until('the incident', () => incidentOf('scarce', 'capacity'));
  expect(found).toMatchObject({ severity: 'medium', title: 'scarce: workflows are scaled back for want of it' });
  await expect(incidentOf('long-ago', 'capacity')).resolves.toBeUndefined();
  expect((await incident(found.id)).timeline[0]).toMatchObject({ text: 'new runs of review get small: nobody is there for scarce' });
  await until('its end', async () => (await incidentOf('scarce', 'capacity'))?.status === 'resolved', 15_000);
}, 30_000);

describe('incidents', () => {
  test('are acknowledged, noted and resolved by people of their workspace, reminded of before', async () => {
    const { service } = registry;
    await agentOf('watched', 1, {
      remindMs: 1_000,
      onCall: [{ who: 'Night shift', from: '00:00', to: '23:59' }, { who: 'The last minute' }],
    });
    const { resource } = await service.request(isolateAgent, { agent: 'watched', reason: 'for a look' });
    const id = resource.incident;
    const foreign = { as: { workspace: otherWorkspace } };
    await expect(service.request(getIncident, { id }, foreign)).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(acknowledgeIncident, { id }, foreign)).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(resolveIncident, { id }, { as: { roles: ['viewer'] } })).rejects.toMatchObject({ code: 'forbidden' });
    await until('a reminder', async () => (await stagesOf(id)).includes('reminded'));
    await expect(service.request(acknowledgeIncident, { id })).resolves.toMatchObject({ status: 'acknowledged', remindAt: null });
    await service.request(noteIncident, { id, note: 'it was the disk' });
    await expect(service.request(resolveIncident, { id })).resolves.toMatchObject({ status: 'resolved' });
    for (const contract of [acknowledgeIncident, resolveIncident]) {
      await expect(service.request(contract, { id })).rejects.toMatchObject({ code: 'conflict' });
    }
    const all = await incident(id);
    expect(all.onCall).toMatch(/Night shift|The last minute/);
    expect(all.timeline.map(({ stage }) => stage).slice(-3)).toEqual(['acknowledged', 'noted', 'resolved']);
    await service.request(releaseAgent, { agent: 'watched' });
  });

  test('are listed by pages, the newest first', async () => {
    const { service } = registry;
    const first = await service.request(listIncidents, { limit: 2 });
    expect(first.data).toHaveLength(2);
    const second = await service.request(listIncidents, { limit: 2, cursor: first.nextCursor! });
    expect(second.data[0]!.id < first.data[1]!.id).toBe(true);
    await expect(service.request(listIncidents, { cursor: 'WyJ4Il0' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(listIncidents, { status: 'open', severity: 'critical' })).resolves.toMatchObject({
      data: [{ agents: ['hopeless'] }],
    });
  });
});
