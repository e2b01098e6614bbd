import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { idPattern, newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { parsePrincipalId, principalId } from './principal-id.ts';
import { base62, checkOf, newApiKey, newGrant, newSessionSecret } from './secret.ts';

test('a key names itself, holds 256 bits and ends with its check', () => {
  const uuid = newUuid();
  const [prefix, id, secret, check] = newApiKey(uuid).split('_');
  expect(prefix).toBe('sbx');
  expect(toUuid(`key_${id}`, 'key')).toBe(uuid);
  expect(secret).toMatch(/^[0-9A-Za-z]{43}$/);
  expect(check).toBe(checkOf(`sbx_${id}_${secret}`));
});

test('no two secrets are alike', () => {
  const made = Array.from({ length: 1_000 }, () => newApiKey(newUuid()));
  expect(new Set(made.map((key) => key.split('_')[2])).size).toBe(1_000);
});

test('a session and a grant are known by how they begin', () => {
  expect(newSessionSecret()).toMatch(/^sbx_session_[0-9A-Za-z]{43}$/);
  const grant = newGrant(newUuid());
  expect(grant).toMatch(/^grant_[0-9a-z]{26}_[0-9A-Za-z]{43}$/);
  expect(grant.slice(0, 32)).toMatch(idPattern('grant'));
});

test('a mistyped key is seen by its check', () => {
  const key = newApiKey(newUuid());
  const body = key.slice(0, -7);
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.constantFrom(...'0Az'), (at, letter) => {
      const typed = body.slice(0, at) + letter + body.slice(at + 1);
      expect(checkOf(typed) === key.slice(-6)).toBe(typed === body);
    }),
  );
});

test('base 62 keeps order and length', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), (a, b) => {
      const [textA, textB] = [base62(a, 43), base62(b, 43)];
      expect([textA.length, textB.length]).toEqual([43, 43]);
      expect(textA < textB).toBe(a < b);
    }),
  );
});

test('ids of principals tell their kind', () => {
  const uuid = newUuid();
  for (const kind of ['user', 'service-account', 'agent'] as const)
    expect(parsePrincipalId(principalId(kind, uuid))).toEqual({ kind, uuid });
  for (const id of ['', 'user', '_x', 'key_01jc0000000000000000000000', 'user_x']) expect(() => parsePrincipalId(id)).toThrow(/not_found/);
});
