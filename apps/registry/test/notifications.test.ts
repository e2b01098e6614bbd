import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { approvalChanged } from '@signalbox/shared/contracts/execution/approval-changed.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { listRuns, type ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyChannel, type ApplyChannelReply } from '@signalbox/shared/contracts/registry/apply-channel.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { applyNotificationRule, type ApplyNotificationRuleReply } from '@signalbox/shared/contracts/registry/apply-notification-rule.js';
import { deleteChannel } from '@signalbox/shared/contracts/registry/delete-channel.js';
import { deleteNotificationRule } from '@signalbox/shared/contracts/registry/delete-notification-rule.js';
import { stageChanged, type StageChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getChannel } from '@signalbox/shared/contracts/registry/get-channel.js';
import { getNotificationRule } from '@signalbox/shared/contracts/registry/get-notification-rule.js';
import { isolateAgent } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { listChannels } from '@signalbox/shared/contracts/registry/list-channels.js';
import { listNotificationRules } from '@signalbox/shared/contracts/registry/list-notification-rules.js';
import { listNotifications } from '@signalbox/shared/contracts/registry/list-notifications.js';
import { listReviews } from '@signalbox/shared/contracts/registry/list-reviews.js';
import type { Notification, NotificationStatus } from '@signalbox/shared/contracts/registry/notification.js';
import { retryNotification } from '@signalbox/shared/contracts/registry/retry-notification.js';
import { runNotificationRule } from '@signalbox/shared/contracts/registry/run-notification-rule.js';
import { signOffAgent } from '@signalbox/shared/contracts/registry/sign-off-agent.js';
import { testChannel } from '@signalbox/shared/contracts/registry/test-channel.js';
import { promoteRollout } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { reportStep } from '@signalbox/shared/contracts/registry/report-step.js';
import { resolveSecret } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { secretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { defaultWorkspace, type TestIdentity } from '@signalbox/testkit/test-issuer.js';
import { SMTPServer } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { testMessage } from '../src/notifications/message.ts';
import { noticeOfStage } from '../src/notifications/notice.ts';
import { NotificationStore } from '../src/notifications/notification.store.ts';
import { Notifier } from '../src/notifications/notifier.ts';
import { agentManifest, deploymentManifest, otherWorkspace, startRegistry, until, type RegistryUnderTest } from './registry.ts';

interface Received {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** What one path of the receiver answers; 200 if nothing is said. */
type Answer = (response: ServerResponse, received: Received) => void;

const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const secrets = new Map<string, string>();
const mails: { to: string[]; text: string }[] = [];
const received: Received[] = [];
const answers = new Map<string, Answer>();
let registry: RegistryUnderTest;
let receiver: Server;
let mailServer: SMTPServer;
let base: string;
let mailPort: number;
/** Refuses mail with this, while it is set. */
/** Of execution, for digests. */
const runsAsked: ListRunsRequest[] = [];
let mailRefusal: { message: string; responseCode: number } | null = null;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const one = { path: request.url!, headers: request.headers, body };
      received.push(one);
      const answer = answers.get(request.url!);
      if (answer) answer(response, one);
      else response.end('ok');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  mailServer = new SMTPServer({
    authOptional: true,
    onMailFrom: (_address, _session, callback) => callback(mailRefusal && Object.assign(new Error(mailRefusal.message), mailRefusal)),
    onData: (stream, session, callback) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        callback();
      });
    },
  });
  mailServer.on('error', () => undefined); // who breaks off breaks off
  mailPort = await new Promise<number>((resolve) => {
    const server = mailServer.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  registry = await startRegistry({
    OUTBOUND_ALLOW_INTERNAL: `127.0.0.1:${new URL(base).port},127.0.0.1:${mailPort}`,
    SIGNALBOX_PUBLIC_URL: 'https://signalbox.example',
    NOTIFICATION_RETRY_MS: '50',
    NOTIFICATION_TIMEOUT_MS: '1000',
  });
  const { service } = registry;
  await service.answer(resolveSecret, ({ name }) => {
    const value = secrets.get(name);
    if (value === undefined) throw new Fault('not_found', `there is no secret ${name}`, 'Set it.');
    return { version: 1, value };
  });
  await service.answer(listRuns, (request) => {
    runsAsked.push(request);
    return { data: [], nextCursor: null };
  });
}, 60_000);
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  receiver?.closeAllConnections();
  receiver?.close();
  await new Promise<void>((resolve) => mailServer.close(() => resolve()));
});
beforeEach(() => {
  received.length = 0;
  runsAsked.length = 0;
  mails.length = 0;
  answers.clear();
  mailRefusal = null;
});

/** A secret with a value; each has a name of its own, since values are kept for a moment. */
function secret(value: string): string {
  const name = `s${secrets.size}`;
  secrets.set(name, value);
  return `secret://${name}`;
}

function channel(name: string, spec: Record<string, unknown>, as?: TestIdentity): Promise<ApplyChannelReply> {
  const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Channel', metadata: { name }, spec };
  return registry.service.request(applyChannel, { name, manifest }, as ? { as } : {});
}

/** A channel to a path of the receiver. */
async function hook(name: string, path = `/${name}`): Promise<void> {
  await channel(name, { type: 'webhook', url: secret(`${base}${path}`), signingSecret: secret(key) });
}

function rule(name: string, spec: Record<string, unknown>): Promise<ApplyNotificationRuleReply> {
  const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'NotificationRule', metadata: { name }, spec };
  return registry.service.request(applyNotificationRule, { name, manifest });
}

/** Everything of one agent, each by itself, to one channel. */
async function told(agent: string, more: Record<string, unknown> = {}): Promise<void> {
  await rule(agent, { channels: [agent], events: ['stage.*'], agents: [agent], group: { windowMs: 0 }, ...more });
}

/** Something happens to the agent; the events of one id are the same one. */
function happens(
  agent: string,
  stage: StageChanged['stage'] = 'staging',
  { change = 'promoted', ...facts }: { id?: string; at?: number; change?: StageChanged['change'] } = {},
): Promise<void> {
  const payload: StageChanged = { id: newId('agent'), name: agent, change, stage, agentVersion: 3, holder: 3, by: 'user_ann' };
  return registry.service.publish(stageChanged, payload, facts);
}

async function listed(query: { channel?: string; rule?: string; status?: NotificationStatus }): Promise<Notification[]> {
  return (await registry.service.request(listNotifications, query)).data;
}

function ended(name: string, status: NotificationStatus): Promise<Notification> {
  return until(`a notification of ${name} that is ${status}`, async () => (await listed({ channel: name, status }))[0]);
}

const operator: TestIdentity = { principal: 'user_operator', name: 'operator', roles: ['operator'] };

describe('a channel', () => {
  test('that names no secret, lacks something, or is made by who may not is refused', async () => {
    const url = secret(base);
    const faults = async (spec: Record<string, unknown>): Promise<unknown> => {
      const fault = Fault.from(await channel('bad', spec).catch((thrown: unknown) => thrown));
      return fault.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`);
    };
    expect(await faults({ type: 'slack', url: 'https://hooks.slack.com/services/T/B/x' })).toEqual([
      '/spec/url must be `secret://NAME`, never the value itself: signalbox secrets set NAME',
    ]);
    expect(await faults({ type: 'webhook', url })).toEqual(['/spec/signingSecret is needed with type webhook']);
    expect(await faults({ type: 'slack', url, host: 'mail.example' })).toEqual(['/spec/host is not for type slack']);
    expect(await faults({ type: 'email', host: 'mail.example', from: 'a@b.example', to: ['c@d.example'], user: url })).toEqual([
      '/spec/password is needed beside the other',
    ]);
    await expect(channel('bad', { type: 'slack', url }, operator)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(registry.service.request(testChannel, { name: 'bad' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(rule('bad', { channels: ['bad'], events: ['agent.*'] })).rejects.toMatchObject({
      code: 'invalid',
      errors: [{ pointer: '/spec/channels/0', detail: 'there is no channel bad: apply it first' }],
    });
  });

  test('is created, changed and seen without what its secrets hold, in its own workspace alone, and stays while a rule names it', async () => {
    await hook('seen');
    expect(await registry.service.request(getChannel, { name: 'seen' })).toMatchObject({
      ...{ type: 'webhook', state: 'active', appliedBy: 'test', version: 1, lastSentAt: null, manifest: { kind: 'Channel' } },
      secrets: [expect.stringMatching(/^s\d+$/), expect.stringMatching(/^s\d+$/)],
    });
    const again = await channel('seen', { type: 'slack', url: secret(`${base}/seen`) });
    expect([again.action, again.resource.version, again.changes.map(({ path }) => path)]).toEqual([
      'updated',
      2,
      ['spec.signingSecret', 'spec.type', 'spec.url'],
    ]);
    const slack = { type: 'slack', url: again.resource.secrets.map((name) => `secret://${name}`)[0]! };
    expect(await channel('seen', slack)).toMatchObject({ action: 'unchanged', resource: { version: 2 } });
    const bob: TestIdentity = { principal: 'user_bob', name: 'bob' };
    expect(await channel('seen', slack, bob)).toMatchObject({ action: 'updated', changes: [], resource: { version: 2, appliedBy: 'bob' } });
    const [{ bearer }] = (await registry.service.database.sql<{ bearer: string }>(`SELECT bearer FROM channel WHERE name = 'seen'`)) as [
      { bearer: string },
    ];
    registry.service.bus.issuer.revoke(bearer);
    expect(await channel('seen', slack, bob)).toMatchObject({ action: 'updated', resource: { appliedBy: 'bob' } });
    await told('seen');
    expect(JSON.stringify(await registry.service.request(listChannels, { q: 'seen' }))).not.toContain('127.0.0.1');
    expect(await registry.service.request(getNotificationRule, { name: 'seen' })).toMatchObject({
      kind: 'events',
      channels: ['seen'],
      nextAt: null,
    });
    const as = { workspace: otherWorkspace };
    await expect(registry.service.request(getChannel, { name: 'seen' }, { as })).rejects.toMatchObject({ code: 'not_found' });
    expect((await registry.service.request(listNotificationRules, {}, { as })).data).toEqual([]);
    await expect(registry.service.request(deleteChannel, { name: 'seen' })).rejects.toMatchObject({
      code: 'conflict',
      detail: 'notification rules send to the channel seen: seen',
    });
    await registry.service.request(deleteNotificationRule, { name: 'seen' });
    await registry.service.request(deleteChannel, { name: 'seen' });
    await expect(registry.service.request(getChannel, { name: 'seen' })).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each<[string, string, Answer | null, string]>([
    ['answers 500', '/refuses', (response) => response.writeHead(500).end('the database password is hunter2'), 'the receiver answered 500'],
    ['says nothing', '/silent', () => undefined, 'the other side did not answer in time'],
    [
      'leads to an address that is not public',
      '/redirects',
      (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
      'the receiver answered 302: it leads elsewhere; use the address that it leads to',
    ],
  ])('whose receiver %s fails its test, and nothing of the answer is told', async (_, path, answer, reason) => {
    await hook('tried', path);
    if (answer) answers.set(path, answer);
    await expect(registry.service.request(testChannel, { name: 'tried' })).rejects.toMatchObject({
      code: 'unavailable',
      detail: `the channel tried did not take it: ${reason}`,
    });
    expect(await registry.service.request(getChannel, { name: 'tried' })).toMatchObject({ lastFailure: reason, state: 'active' });
  });

  test.each([
    ['an address inside', 'https://127.0.0.2:8443/x', 'the URL leads to an address that is not public'],
    ['metadata', 'https://169.254.169.254/latest', 'the URL leads to an address that is not public'],
    ['no TLS', 'http://hooks.example/x', 'the address is not https'],
    ['no address', 'hunter2', 'this is not a URL'],
  ])('A48 that leads to %s sends nothing', async (_, address, reason) => {
    await channel('inside', { type: 'teams', url: secret(address) });
    await expect(registry.service.request(testChannel, { name: 'inside' })).rejects.toMatchObject({
      detail: `the channel inside did not take it: ${reason}`,
    });
  });

  test('by mail is refused without TLS to others, by a server that offers none, and where the server says no', async () => {
    const mail = { type: 'email', host: '127.0.0.1', port: mailPort, from: 'Signalbox <signalbox@example.com>', to: ['ops@example.com'] };
    const failure = async (spec: Record<string, unknown>): Promise<string> => {
      await channel('mail-tried', { ...mail, ...spec });
      const fault = Fault.from(await registry.service.request(testChannel, { name: 'mail-tried' }).catch((thrown: unknown) => thrown));
      return fault.detail.replace('the channel mail-tried did not take it: ', '');
    };
    expect(await failure({ host: '127.0.0.3', tls: 'none' })).toBe('mail without TLS goes to listed hosts alone');
    expect(await failure({ host: '127.0.0.3' })).toBe('the URL leads to an address that is not public');
    expect(await failure({})).toMatch(/certificate of the mail server is not trusted/);
    expect(await failure({ port: Number(new URL(base).port), tls: 'none' })).toMatch(/in time|broke off|answered/);
    mailRefusal = { message: 'no such user', responseCode: 550 };
    expect(await failure({ tls: 'none' })).toMatch(/^the mail server answered to MAIL FROM: 550 no such user/);
    expect(mails).toEqual([]);
  });
});

describe('what happened', () => {
  test('is sent to a webhook, signed, under one identifier at each attempt, and told once however often it is heard', async () => {
    await hook('signed');
    let failures = 2;
    answers.set('/signed', (response) => (failures-- > 0 ? response.writeHead(503).end() : response.end()));
    await told('signed');
    const id = crypto.randomUUID();
    await happens('signed', 'staging', { id });
    expect(await ended('signed', 'sent')).toMatchObject({
      attempts: 3,
      failure: null,
      events: 1,
      title: 'signed version 3 was promoted to staging',
    });
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const last = received.at(-1)!;
    expect(new Webhook(key).verify(last.body, last.headers as Record<string, string>)).toMatchObject({
      type: 'stage.promoted',
      data: { rule: 'signed', events: [{ agents: ['signed'], url: 'https://signalbox.example/agents/signed' }] },
    });
    // As the stream would bring it again.
    const notice = noticeOfStage(
      { id: newId('agent'), name: 'signed', change: 'promoted', stage: 'staging', agentVersion: 3, by: 'user_ann' },
      0,
    );
    await registry.service.app.get(Notifier).tell(defaultWorkspace, id, notice);
    expect(await listed({ channel: 'signed' })).toHaveLength(1);
  });

  test('is nobody’s news any more after a day', async () => {
    await hook('stale');
    await told('stale');
    await happens('stale', 'staging', { at: Date.now() - 2 * 86_400_000 });
    await happens('stale', 'production');
    await ended('stale', 'sent');
    expect((await listed({ channel: 'stale' })).map(({ title }) => title)).toEqual(['stale version 3 was promoted to production']);
  });

  test('arrives in order of its group, whatever the receiver refuses meanwhile', async () => {
    await hook('ordered');
    let failures = 3;
    answers.set('/ordered', (response) => (failures-- > 0 ? response.writeHead(500).end() : response.end()));
    await told('ordered');
    for (const stage of ['integration', 'staging', 'production'] as const) {
      await happens('ordered', stage);
      await until(stage, async () => (await listed({ channel: 'ordered' })).some(({ title }) => title.endsWith(stage)));
    }
    await until('all of them', async () => (await listed({ channel: 'ordered', status: 'sent' })).length === 3);
    const stages = received.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title.split(' ').at(-1));
    expect(stages).toEqual(['integration', 'integration', 'integration', 'integration', 'staging', 'production']);
  });

  test('within a window is one message; beyond the rate it waits and goes together', async () => {
    await hook('grouped');
    await rule('grouped', { channels: ['grouped'], events: ['stage.*'], agents: ['grouped'], group: { by: 'agent', windowMs: 3_600_000 } });
    await Promise.all([happens('grouped'), happens('grouped', 'production'), happens('grouped', 'integration')]);
    await until('all three to be gathered', async () => (await listed({ channel: 'grouped' }))[0]?.events === 3);
    await registry.service.database.sql(`UPDATE notification SET due_at = now(), next_at = now() WHERE channel = 'grouped'`);
    expect(await ended('grouped', 'sent')).toMatchObject({ events: 3 });
    expect(JSON.parse(received[0]!.body)).toMatchObject({ type: 'notification.group', data: { events: [{}, {}, {}], more: 0 } });

    await hook('rated');
    await told('rated', { rate: { max: 1, perMs: 600_000 } });
    await happens('rated');
    await ended('rated', 'sent');
    await happens('rated', 'production');
    await happens('rated', 'integration');
    const [waits] = await until('both to wait', async () => {
      const waiting = await listed({ channel: 'rated', status: 'waiting' });
      return waiting[0]?.events === 2 && waiting;
    });
    expect(Date.parse(waits!.nextAt!) - Date.now()).toBeGreaterThan(500_000);
  });

  test('waits for the end of quiet hours unless it is critical, which no rate holds either', async () => {
    await registry.service.request(applyAgent, {
      name: 'quiet',
      manifest: agentManifest('quiet', { kind: 'worker', recovery: { severity: 'critical', owner: 'ann' } }),
    });
    await hook('quiet');
    const from = new Date(Date.now() - 3_600_000).toISOString().slice(11, 16);
    const to = new Date(Date.now() + 7_200_000).toISOString().slice(11, 16);
    const loud = { events: ['stage.*', 'incident.escalated'], group: { by: 'event', windowMs: 0 }, rate: { max: 1, perMs: 600_000 } };
    await told('quiet', { ...loud, quietHours: [{ from, to }] });
    await happens('quiet');
    await until('the first to wait', async () => (await listed({ channel: 'quiet' })).length === 1);
    await happens('quiet', 'staging', { change: 'demoted' });
    await until('what is beyond the rate to wait', async () => (await listed({ channel: 'quiet' })).length === 2);
    await registry.service.request(isolateAgent, { agent: 'quiet', reason: 'it answers nonsense' });
    expect(await ended('quiet', 'sent')).toMatchObject({ severity: 'critical' });
    expect(JSON.parse(received[0]!.body)).toMatchObject({
      type: 'incident.escalated',
      data: { facts: expect.arrayContaining([{ name: 'Owner', value: 'ann' }]) },
    });
    const waits = await until('the other to wait', async () => (await listed({ channel: 'quiet', status: 'waiting' }))[0]);
    expect(Date.parse(waits.nextAt!)).toBeGreaterThan(Date.now() + 3_600_000);
  });

  test('goes to Slack, to Teams and by mail in their own forms', async () => {
    await channel('slack', { type: 'slack', url: secret(`${base}/slack`) });
    await channel('teams', { type: 'teams', url: secret(`${base}/teams`) });
    const from = 'Signalbox <signalbox@example.com>';
    await channel('mail', {
      type: 'email',
      host: '127.0.0.1',
      port: mailPort,
      tls: 'none',
      from,
      to: ['ops@example.com', 'Ann <ann@example.com>'],
    });
    await rule('all', { channels: ['slack', 'teams', 'mail'], events: ['approval.*'], group: { windowMs: 0 } });
    const id = newId('approval');
    const payload = { id, run: newId('run'), workflow: 'release', step: 'ask', status: 'open' as const, at: Date.now() };
    await registry.service.publish(approvalChanged, payload, { entity: id });
    await until('all three', async () => (await listed({ rule: 'all', status: 'sent' })).length === 3);
    const bodyOf = (path: string): unknown => JSON.parse(received.find((one) => one.path === path)!.body);
    expect(bodyOf('/slack')).toMatchObject({ text: '🟡 release, step ask, needs a decision', blocks: expect.any(Array) });
    expect(bodyOf('/teams')).toMatchObject({ type: 'message', attachments: [{ content: { type: 'AdaptiveCard' } }] });
    expect(mails).toHaveLength(1);
    expect(mails[0]!.to).toEqual(['ops@example.com', 'ann@example.com']);
    expect(mails[0]!.text).toMatch(/Subject: \[medium\] release, step ask, needs a decision/);
    expect(mails[0]!.text).toContain(`https://signalbox.example/approvals/${id}`);
    expect(mails[0]!.text).toMatch(/Content-Type: text\/html/);
    await registry.service.request(deleteNotificationRule, { name: 'all' });
  });
});

describe('what is not taken', () => {
  test('for good is given up with the reason, is listed, and is sent again under its identifier when somebody asks', async () => {
    await hook('refused');
    answers.set('/refused', (response) => response.writeHead(400).end());
    await told('refused');
    await happens('refused');
    const dead = await ended('refused', 'dead');
    expect(dead).toMatchObject({ attempts: 1, failure: 'the receiver answered 400', nextAt: null });
    answers.clear();
    await expect(registry.service.request(retryNotification, { id: dead.id }, { as: { roles: ['viewer'] } })).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(registry.service.request(retryNotification, { id: dead.id }, { as: { workspace: otherWorkspace } })).rejects.toMatchObject(
      {
        code: 'not_found',
      },
    );
    await registry.service.request(retryNotification, { id: dead.id }, { as: operator });
    expect(await ended('refused', 'sent')).toMatchObject({ id: dead.id });
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([dead.id, dead.id]);
    await expect(registry.service.request(retryNotification, { id: dead.id })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('by a receiver that is gone pauses the channel, until it is tested or applied again', async () => {
    await hook('gone');
    answers.set('/gone', (response) => response.writeHead(410).end());
    await told('gone');
    await happens('gone');
    await ended('gone', 'dead');
    expect(await registry.service.request(getChannel, { name: 'gone' })).toMatchObject({
      state: 'paused',
      stateReason: 'the receiver answered 410: it is gone',
    });
    await happens('gone', 'production');
    await until('the second to be given up', async () => (await listed({ channel: 'gone', status: 'dead' })).length === 2);
    expect(received).toHaveLength(1);
    answers.clear();
    await registry.service.request(testChannel, { name: 'gone' }, { as: operator });
    expect(await registry.service.request(getChannel, { name: 'gone' })).toMatchObject({ state: 'active', lastFailure: null });
  });

  test('since its secret is missing says which, and goes when it is set', async () => {
    await channel('keyless', { type: 'slack', url: 'secret://keyless-url' });
    await told('keyless');
    await happens('keyless');
    const waits = await until('a failure', async () => (await listed({ channel: 'keyless' })).find(({ failure }) => failure !== null));
    expect(waits).toMatchObject({
      status: 'waiting',
      failure: 'there is no secret keyless-url: set it with `signalbox secrets set keyless-url`',
    });
    secrets.set('keyless-url', `${base}/keyless`);
    await registry.service.publish(secretChanged, { name: 'keyless-url', version: 1, change: 'set' });
    await ended('keyless', 'sent');
  });

  test('by one slow receiver keeps nobody else waiting, and each message is with one sender at a time', async () => {
    await hook('slow');
    await hook('quick');
    const open = new Map<string, number>();
    let most = 0;
    answers.set('/slow', (response, { headers }) => {
      const id = String(headers['webhook-id']);
      open.set(id, (open.get(id) ?? 0) + 1);
      most = Math.max(most, open.get(id)!);
      response.on('close', () => open.set(id, open.get(id)! - 1));
    });
    await told('slow', { group: { by: 'event', windowMs: 0 } });
    await told('quick');
    for (const stage of ['integration', 'staging', 'production'] as const) await happens('slow', stage);
    await until('the slow one to be asked', () => Promise.resolve(received.some(({ path }) => path === '/slow')));
    await happens('quick');
    await ended('quick', 'sent');
    expect(await listed({ channel: 'slow', status: 'sent' })).toEqual([]);
    expect(most).toBe(1);
    await registry.service.request(deleteNotificationRule, { name: 'slow' });
    await registry.service.request(deleteChannel, { name: 'slow' });
  });
});

describe('of several replicas', () => {
  const store = (): NotificationStore => registry.service.app.get(NotificationStore);
  const system = (): SystemDatabase => registry.service.app.get(SystemDatabase);
  const begin = (groupKey: string): Promise<string> =>
    registry.service.app.get(WorkspaceDatabase).inWorkspace(defaultWorkspace, (tx) => {
      const facts = { workspace: defaultWorkspace, rule: 'shared', channel: 'shared', kind: 'events' as const, severity: 'low' as const };
      return store().begin(tx, {
        ...facts,
        groupKey,
        title: groupKey,
        at: Date.now(),
        dueAt: Date.now() - 1_000,
        message: testMessage('shared'),
      });
    });
  const attemptsOf = (): Promise<{ attempts: number }[]> =>
    registry.service.database.sql(`SELECT attempts FROM notification WHERE channel = 'shared' ORDER BY attempts`);

  test('one has a message at a time, of a group the oldest alone, until its claim has run out', async () => {
    // The service itself is one of them: it finds no channel of that name, and gives up what it has.
    for (let index = 0; index < 12; index++) await begin(`group ${index}`);
    const first = await begin('same');
    const second = await begin('same');
    const claims = (await Promise.all(Array.from({ length: 4 }, () => system().run((tx) => store().claim(tx, 60_000, 32))))).flat();
    expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
    expect(claims.length).toBeLessThanOrEqual(2);
    expect(claims.map(({ id }) => id)).not.toContain(second);
    // As if who claimed them had died: what is written late by it is not taken.
    await registry.service.database.sql(`UPDATE notification SET claimed_until = now() WHERE id = ANY($1)`, [claims.map(({ id }) => id)]);
    await until('all to have ended', async () => (await listed({ channel: 'shared', status: 'waiting' })).length === 0);
    const again = (await attemptsOf()).filter(({ attempts }) => attempts === 2);
    expect(again).toHaveLength(claims.length);
    for (const claim of claims) {
      const write = system().run((tx) => store().end(tx, claim, 'sent', null, null));
      await expect(write).resolves.toBe(false);
    }
    const order = await registry.service.database.sql<{ id: string }>(
      `SELECT id FROM notification WHERE group_key = 'same' ORDER BY ended_at, created_at`,
    );
    expect(order.map(({ id }) => id)).toEqual([first, second]);
  });
});

describe('at their time', () => {
  /** As if the time of the rule had come. */
  function isDue(name: string): Promise<unknown> {
    return registry.service.database.sql(`UPDATE notification_rule SET next_at = now() WHERE name = $1`, [name]);
  }

  test('a digest tells what was deployed, is blocked, failed and needs a decision, once; what cannot be read is said', async () => {
    await registry.service.request(applyAgent, { name: 'digested', manifest: agentManifest('digested') });
    await registry.service.request(isolateAgent, { agent: 'digested', reason: 'it answers nonsense' });
    const rolled = { kind: 'http', http: { url: 'https://agent.test/' }, rollout: { strategy: 'canary' } };
    await registry.service.request(applyAgent, { name: 'rolled', manifest: agentManifest('rolled', rolled) });
    const again = agentManifest('rolled', { ...rolled, description: 'better' });
    const { rollout } = await registry.service.request(applyAgent, { name: 'rolled', manifest: again });
    await registry.service.request(promoteRollout, { id: rollout!.id });
    // Nobody starts it: what happens is reported.
    const members = [
      { name: 'first', estimateDays: [1, 2], steps: [{ name: 'x' }, { name: 'y' }] },
      { name: 'second', dependsOn: ['first'], estimateDays: [1, 2], steps: [{ name: 'x' }] },
    ];
    await registry.service.request(applyDeployment, { name: 'reported', manifest: deploymentManifest('reported', members) });
    await registry.service.request(reportStep, { deployment: 'reported', agent: 'first', step: 'x', state: 'done' });
    await registry.service.database.sql(
      `WITH older AS (
         INSERT INTO deployment (workspace, name, id, description, labels, search, manifest, version, hash, event_version, updated_at)
         SELECT workspace, 'older-' || i, gen_random_uuid(), '', '{}', '', manifest, 1, hash, 0, now() - interval '9 days'
         FROM deployment, generate_series(1, 100) AS i WHERE name = 'reported' RETURNING workspace, id)
       INSERT INTO deployment_step (workspace, deployment, agent, step, source, state, fraction, by_principal)
       SELECT workspace, id, 'first', 'x', 'reported', 'begun', 0, '' FROM older`,
    );
    await hook('daily');
    const { resource } = await rule('daily', { channels: ['daily'], digest: {} });
    expect(resource.nextAt).toMatch(/T09:00:00\.000Z$/);
    await isDue('daily');
    const sent = await ended('daily', 'sent');
    expect(sent).toMatchObject({ kind: 'digest', events: 1 });
    const { type, data } = JSON.parse(received[0]!.body) as {
      type: string;
      data: { sections: { title: string; lines: { text: string }[] }[] };
    };
    expect([type, data.sections.map(({ title }) => title)]).toEqual([
      'notification.digest',
      ['Deployed', 'Blocked', 'Failed', 'Needs a decision'],
    ]);
    // Of failed runs those alone that stand for themselves.
    expect(runsAsked).toMatchObject([{ status: ['failed'], problem: 'open' }]);
    const text = JSON.stringify(data.sections);
    for (const part of [
      'digested has a new version, 1',
      'rolled version 2 was rolled out in the place of version 1',
      'digested is isolated: it answers nonsense',
      'second of reported waits: first',
      '1 more deployment was not looked at',
      'Nobody has acknowledged: digested',
      'The approvals could not be read',
      'Sign off digested version 1',
    ]) {
      expect(text).toContain(part);
    }
    expect((await registry.service.request(getNotificationRule, { name: 'daily' })).nextAt).toMatch(/T09:00:00\.000Z$/);
    expect(await listed({ channel: 'daily' })).toHaveLength(1);
  });

  test('a digest with nothing to say is sent only where somebody asked for it', async () => {
    await registry.service.answer(listApprovals, () => ({ data: [], nextCursor: null }));
    await hook('empty');
    await hook('asked');
    await told('empty');
    await expect(registry.service.request(runNotificationRule, { name: 'empty' })).rejects.toMatchObject({ code: 'conflict' });
    await rule('empty', { channels: ['empty'], digest: { sections: ['blocked'] } });
    await rule('asked', { channels: ['asked'], digest: { sections: ['blocked'], evenIfEmpty: true } });
    for (const table of ['isolation', 'deployment_step', 'deployment']) await registry.service.database.sql(`DELETE FROM ${table}`);
    const run = (name: string): Promise<unknown> => registry.service.request(runNotificationRule, { name }, { as: operator });
    await expect(run('empty')).resolves.toEqual({ name: 'empty', messages: 0 });
    await expect(run('asked')).resolves.toEqual({ name: 'asked', messages: 1 });
    await until('what was asked for now', async () => (await listed({ channel: 'asked', status: 'sent' })).length === 1);
    await isDue('empty');
    await isDue('asked');
    await until('the one at its time', async () => (await listed({ channel: 'asked', status: 'sent' })).length === 2);
    expect(await ended('asked', 'sent')).toMatchObject({ title: 'Digest: nothing happened' });
    const { nextAt } = await until('the other to have had its time', async () => {
      const one = await registry.service.request(getNotificationRule, { name: 'empty' });
      return Date.parse(one.nextAt!) > Date.now() && one;
    });
    expect(nextAt).toMatch(/T09:00/);
    expect(await listed({ channel: 'empty' })).toEqual([]);
  });

  test('a review names changed contracts and agents until they are signed off', async () => {
    const skill = { name: 'sum', description: 'adds' };
    const apply = (skills: object[], description: string): Promise<{ resource: { version: number } }> =>
      registry.service.request(applyAgent, {
        name: 'reviewed',
        manifest: agentManifest('reviewed', { kind: 'worker', skills, description }),
      });
    await apply([skill], 'first');
    const pending = async (): Promise<unknown> => (await registry.service.request(listReviews, { q: 'reviewed' })).data;
    expect(await pending()).toMatchObject([{ agent: 'reviewed', version: 1, signedVersion: null, contractChanged: true }]);
    const sign = (version: number, as?: TestIdentity): Promise<unknown> =>
      registry.service.request(signOffAgent, { agent: 'reviewed', version, note: 'looked at it' }, as ? { as } : {});
    await expect(sign(2)).rejects.toMatchObject({ code: 'conflict', detail: 'reviewed is at version 1, not 2' });
    await expect(sign(1, { roles: ['viewer'] })).rejects.toMatchObject({ code: 'forbidden' });
    await sign(1, operator);
    await expect(sign(1)).rejects.toMatchObject({ code: 'conflict', detail: 'version 1 of reviewed is signed off already' });
    expect(await pending()).toEqual([]);
    await apply([skill], 'second');
    expect(await pending()).toMatchObject([
      { version: 2, signedVersion: 1, signedBy: 'operator', contractChanged: false, changes: ['spec.description'] },
    ]);
    await apply([{ ...skill, inputSchema: { type: 'object' } }], 'second');

    await hook('weekly');
    await rule('weekly', { channels: ['weekly'], review: {} });
    await isDue('weekly');
    await ended('weekly', 'sent');
    const { data } = JSON.parse(received[0]!.body) as { data: { sections: { title: string; lines: { text: string }[] }[] } };
    const contracts = data.sections.find(({ title }) => title === 'Changed contracts')!;
    expect(contracts.lines.map(({ text }) => text)).toContain(
      'reviewed version 3, signed off at 1: spec.description, spec.skills[0].inputSchema (by user_test)',
    );
    for (const text of [`UPDATE sign_off SET version = 9`, `DELETE FROM sign_off`]) {
      await expect(
        registry.service.app.get<{ source: { query: (text: string) => Promise<unknown> } }>(SystemDatabase).source.query(text),
      ).rejects.toThrow('permission denied');
    }
  });
});
