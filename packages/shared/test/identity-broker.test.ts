import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Bus } from '../src/bus/bus.ts';
import type { IssueIdentityReply, IssueIdentityRequest } from '../src/contracts/security/issue-identity.ts';
import { recordDenials, type Denials } from '../src/contracts/security/record-denials.ts';
import { Fault } from '../src/errors/fault.ts';
import { DenialCounter } from '../src/identity/denial-counter.ts';
import { IdentityBroker } from '../src/identity/identity-broker.ts';
import { setClockOffset } from '../src/telemetry/clock.ts';

/** `security`, as far as a bus sees it: answers when the test lets it. */
class Security {
  readonly asked: IssueIdentityRequest[] = [];
  readonly denials: Denials[] = [];
  answer: (request: IssueIdentityRequest) => Promise<IssueIdentityReply> = (request) => Promise.resolve(this.issued(request));
  isAway = false;

  readonly bus = {
    service: 'api-gateway',
    request: async (contract: unknown, body: IssueIdentityRequest & { denials: Denials[] }) => {
      if (this.isAway) throw new Fault('unavailable', 'security is not running', 'Wait.', { service: 'security' });
      if (contract === recordDenials) return void this.denials.push(...body.denials);
      this.asked.push(body);
      return this.answer(body);
    },
  } as unknown as Bus;

  issued({ credential, audience }: IssueIdentityRequest, changes: Partial<IssueIdentityReply> = {}): IssueIdentityReply {
    return {
      token: `${credential}>${audience}#${this.asked.length}`,
      expiresAt: Date.now() + 60_000,
      workspace: 'w',
      principal: 'user_1',
      name: 'ann',
      roles: ['viewer'],
      scopes: [],
      credentialId: `key_${credential}`,
      ...changes,
    };
  }
}

let security: Security;
let broker: IdentityBroker;

beforeEach(() => {
  security = new Security();
  broker = new IdentityBroker(security.bus);
});

afterEach(() => setClockOffset(0));

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('a traded identity', () => {
  test('is kept for each audience, and asked for once by many', async () => {
    const { caller } = await broker.callerOfCredential('key', 'a');
    await Promise.all([caller.tokenFor('registry'), caller.tokenFor('registry'), caller.tokenFor('context')]);
    await caller.tokenFor('registry');
    expect(security.asked.map(({ audience }) => audience)).toEqual(['api-gateway', 'registry', 'context']);
    expect((await broker.callerOfCredential('key', 'a')).caller).toBe(caller);
    expect(broker.callerIfKnown('key', 'a')).toBe(caller);
    expect(broker.callerIfKnown('session', 'a')).toBeNull();
  });

  test('serves until its end while it is renewed beside the requests', async () => {
    const { caller } = await broker.callerOfCredential('key', 'a');
    setClockOffset(50_000);
    let release = (_: IssueIdentityReply): void => undefined;
    security.answer = () => new Promise((resolve) => (release = resolve));
    expect(broker.callerIfKnown('key', 'a')).toBe(caller);
    expect(broker.callerIfKnown('key', 'a')).toBe(caller);
    expect(security.asked).toHaveLength(2);
    release(security.issued(security.asked[1]!, { expiresAt: Date.now() + 110_000, name: 'ann, renewed' }));
    await settled();
    expect(broker.callerIfKnown('key', 'a')?.name).toBe('ann, renewed');
    expect(security.asked).toHaveLength(2);
  });

  test('serves until its end while security is away, and not after', async () => {
    await broker.callerOfCredential('key', 'a');
    security.isAway = true;
    setClockOffset(50_000);
    expect(broker.callerIfKnown('key', 'a')).not.toBeNull();
    await settled();
    expect(broker.callerIfKnown('key', 'a')).not.toBeNull();
    setClockOffset(61_000);
    expect(broker.callerIfKnown('key', 'a')).toBeNull();
    await expect(broker.callerOfCredential('key', 'a')).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('is renewed beside a bounded number of others; the rest go on being served and take their turns', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `k${index}`);
    for (const name of names) await broker.callerOfCredential('key', name);
    setClockOffset(50_000);
    const release: (() => void)[] = [];
    security.answer = (request) =>
      new Promise((resolve) => release.push(() => resolve(security.issued(request, { expiresAt: Date.now() + 110_000 }))));
    const use = (): void => names.forEach((name) => expect(broker.callerIfKnown('key', name)).not.toBeNull());
    for (let round = 1; security.asked.length < 200; round++) {
      use();
      expect(release.length).toBeGreaterThan(0);
      expect(release.length).toBeLessThanOrEqual(32);
      for (const answer of release.splice(0)) answer();
      await settled();
      expect(round).toBeLessThan(8);
    }
    use();
    expect(release).toHaveLength(0);
  });

  test('ends when its renewal is refused', async () => {
    await broker.callerOfCredential('key', 'a');
    setClockOffset(50_000);
    security.answer = () => Promise.reject(new Fault('unauthenticated', 'no', 'no'));
    broker.callerIfKnown('key', 'a');
    await settled();
    expect(broker.callerIfKnown('key', 'a')).toBeNull();
  });

  test('is forgotten with its credential and with its principal', async () => {
    await broker.callerOfCredential('key', 'a');
    await broker.callerOfCredential('key', 'b');
    broker.forget('key_a');
    expect(broker.callerIfKnown('key', 'a')).toBeNull();
    expect(broker.callerIfKnown('key', 'b')).not.toBeNull();
    broker.forget('user_1');
    expect(broker.callerIfKnown('key', 'b')).toBeNull();
  });

  test('that was under way during a revocation is asked for again and not kept', async () => {
    const releases: (() => void)[] = [];
    security.answer = (request) => new Promise((resolve) => releases.push(() => resolve(security.issued(request))));
    const asking = broker.callerOfCredential('key', 'a');
    await settled();
    broker.forget('key_other');
    releases[0]!();
    await settled();
    expect(security.asked).toHaveLength(2);
    releases[1]!();
    await asking;
    expect(security.asked).toHaveLength(2);
  });

  test('of an exchanged identity is not renewed: it cannot live longer than the first', async () => {
    const claims = {
      workspace: 'w',
      principal: 'user_1',
      name: 'ann',
      roles: [],
      scopes: [],
      issuedAt: 0,
      expiresAt: 0,
      credentialId: 'key_a',
      actors: [],
    };
    const caller = broker.callerOf(claims, 'token');
    expect(await caller.tokenFor('api-gateway')).toBe('token');
    await caller.tokenFor('registry');
    setClockOffset(55_000);
    await caller.tokenFor('registry');
    await settled();
    expect(security.asked).toHaveLength(1);
  });

  test('is found by a digest: the credential itself is no key of the cache', async () => {
    await broker.callerOfCredential('key', 'sbx_very_secret');
    const cache = (broker as unknown as { cache: Map<string, unknown> }).cache;
    expect([...cache.keys()].some((key) => key.includes('very_secret'))).toBe(false);
  });

  test('of many credentials does not fill the memory; what is in use stays', async () => {
    await broker.callerOfCredential('key', 'first');
    for (let i = 0; i < 34_000; i++) {
      await broker.callerOfCredential('key', `k${i}`);
      if (i % 1_000 === 0) broker.callerIfKnown('key', 'first');
    }
    expect((broker as unknown as { cache: Map<string, unknown> }).cache.size).toBeLessThanOrEqual(32_768);
    expect(broker.callerIfKnown('key', 'first')).not.toBeNull();
    expect(broker.callerIfKnown('key', 'k0')).toBeNull();
  }, 60_000);
});

describe('denials', () => {
  const ann = { workspace: '018f0000-0000-7000-8000-000000000001', principal: 'user_1', name: 'ann' };

  test('are told at once, then counted until the minute is over', async () => {
    const counter = new DenialCounter(security.bus);
    for (let i = 0; i < 500; i++) counter.note(ann, `sb.security.key.${i % 12}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(security.denials).toMatchObject([{ ...ann, count: 1, operations: ['sb.security.key.0'] }]);
    await counter.stop();
    expect(security.denials[1]).toMatchObject({ ...ann, count: 499 });
    expect(security.denials[1]!.operations).toHaveLength(8);
    expect(security.denials).toHaveLength(2);
  });

  test('begin anew after a minute', async () => {
    const counter = new DenialCounter(security.bus);
    counter.note(ann, 'a');
    counter.note(ann, 'b');
    setClockOffset(61_000);
    counter.note(ann, 'c');
    await counter.stop();
    expect(security.denials.map(({ count, operations }) => [count, operations])).toEqual([
      [1, ['a']],
      [1, ['b']],
      [1, ['c']],
    ]);
  });

  test('wait while security is away, and are bounded', async () => {
    const counter = new DenialCounter(security.bus);
    security.isAway = true;
    for (let i = 0; i < 1_200; i++) counter.note({ ...ann, principal: `user_${i}` }, 'a');
    await new Promise((resolve) => setTimeout(resolve, 300));
    security.isAway = false;
    await counter.stop();
    expect(security.denials.length).toBeGreaterThan(900);
    expect(security.denials.length).toBeLessThanOrEqual(1_000);
  });
});
