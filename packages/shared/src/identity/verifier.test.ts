import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createHmac, createPublicKey, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { setClockOffset } from '../telemetry/clock.ts';
import { IdentityVerifier } from './verifier.ts';

const workspace = '018f0000-0000-7000-8000-000000000001';
let privateKey: CryptoKey;
let publicKey: CryptoKey;
let jwk: JWK & { kid: string };

beforeAll(async () => {
  ({ privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true }));
  jwk = { ...(await exportJWK(publicKey)), kid: 'today', alg: 'EdDSA', use: 'sig' };
});

afterEach(() => setClockOffset(0));

const good = { sub: 'user_1', workspace, name: 'ann', roles: ['operator'], scopes: ['runs:*'], cid: 'key_1' };

function seconds(fromNow: number): number {
  return Math.floor(Date.now() / 1000) + fromNow;
}

function signed(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = privateKey): Promise<string> {
  return new SignJWT({ iss: 'signalbox', aud: 'registry', iat: seconds(0), exp: seconds(60), ...good, ...claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'today', ...header })
    .sign(key);
}

function verifier(source = () => Promise.resolve({ keys: [jwk] }), audience: 'registry' | 'context' = 'registry'): IdentityVerifier {
  return new IdentityVerifier(audience, source);
}

/** A token that no library makes. */
function forged(header: object, claims: object, signature: (input: string) => string): string {
  const input = [header, claims].map((part) => base64url.encode(JSON.stringify(part))).join('.');
  return `${input}.${signature(input)}`;
}

const claimsNow = () => ({ iss: 'signalbox', aud: 'registry', iat: seconds(0), exp: seconds(60), ...good });
const refused = { code: 'unauthenticated' };

test('a live identity for this service says who acts', async () => {
  const token = await signed({ act: { sub: 'service:execution', act: { sub: 'service:api-gateway' } } });
  await expect(verifier().verify(token)).resolves.toEqual({
    workspace,
    principal: 'user_1',
    name: 'ann',
    roles: ['operator'],
    scopes: ['runs:*'],
    issuedAt: expect.any(Number) as unknown,
    expiresAt: expect.any(Number) as unknown,
    credentialId: 'key_1',
    actors: ['service:execution', 'service:api-gateway'],
  });
});

describe('a forged identity is refused (A06)', () => {
  test('alg none, in every spelling, with and without a signature', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', ''])
      for (const signature of ['', 'AAAA']) {
        await expect(verifier().verify(forged({ alg, kid: 'today' }, claimsNow(), () => signature))).rejects.toMatchObject(refused);
      }
  });

  test('HS256 with the public key as the secret, in each of its encodings', async () => {
    const spki = await exportSPKI(publicKey);
    const raw = Buffer.from(jwk.x!, 'base64url');
    const der = createPublicKey(spki).export({ type: 'spki', format: 'der' });
    for (const secret of [spki, spki.trim(), raw, jwk.x!, der, JSON.stringify(jwk)])
      for (const [alg, digest] of [
        ['HS256', 'sha256'],
        ['HS512', 'sha512'],
      ] as const) {
        const token = forged({ alg, kid: 'today' }, claimsNow(), (input) => createHmac(digest, secret).update(input).digest('base64url'));
        await expect(verifier().verify(token)).rejects.toMatchObject(refused);
      }
  });

  test('another key under the known key id, or brought along in the header', async () => {
    const other = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    await expect(verifier().verify(await signed({}, {}, other.privateKey))).rejects.toMatchObject(refused);
    const otherJwk = await exportJWK(other.publicKey);
    const token = await signed({}, { jwk: otherJwk, jku: 'https://evil.example/keys' }, other.privateKey);
    await expect(verifier().verify(token)).rejects.toMatchObject(refused);
  });

  test('another algorithm with a key of its own', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const token = forged({ alg: 'RS256', kid: 'today' }, claimsNow(), (input) =>
      nodeSign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url'),
    );
    await expect(verifier().verify(token)).rejects.toMatchObject(refused);
  });

  test('claims or header changed after signing, the signature cut or taken from another', async () => {
    const token = await signed();
    const [header = '', , signature = ''] = token.split('.');
    const admin = base64url.encode(JSON.stringify({ ...claimsNow(), roles: ['admin'] }));
    for (const altered of [
      `${header}.${admin}.${signature}`,
      token.slice(0, -8),
      `${token}.x`,
      token.split('.').slice(0, 2).join('.'),
      `${token} `,
      '',
    ])
      await expect(verifier().verify(altered)).rejects.toMatchObject(refused);
  });

  test('an unknown key id, also of an identity that was well signed', async () => {
    await expect(verifier().verify(await signed({}, { kid: 'tomorrow' }))).rejects.toMatchObject(refused);
    await expect(
      verifier(() => Promise.resolve({ keys: [jwk, { ...jwk, kid: 'other' }] })).verify(await signed({}, { kid: undefined })),
    ).rejects.toMatchObject(refused);
  });

  test('another issuer, a critical header that we do not know, an unencoded payload', async () => {
    await expect(verifier().verify(await signed({ iss: 'evil' }))).rejects.toMatchObject(refused);
    const crit = forged({ alg: 'EdDSA', kid: 'today', crit: ['exp'], exp: 1 }, claimsNow(), () => 'AAAA');
    await expect(verifier().verify(crit)).rejects.toMatchObject(refused);
  });

  test('claims missing or of another kind', async () => {
    const wrong = [
      { sub: undefined },
      { workspace: undefined },
      { workspace: 7 },
      { roles: undefined },
      { roles: 'admin' },
      { exp: undefined },
      { scopes: 'runs:read' },
      { act: { sub: 7 } },
      { act: 'service:x' },
    ];
    for (const claims of wrong) await expect(verifier().verify(await signed(claims))).rejects.toMatchObject(refused);
    const { act } = JSON.parse('{"act":' + '{"sub":"service:a","act":'.repeat(9) + '{"sub":"service:b"}' + '}'.repeat(10)) as {
      act: object;
    };
    await expect(verifier().verify(await signed({ act }))).rejects.toMatchObject(refused);
  });

  test('something endless is not even parsed', async () => {
    await expect(verifier().verify(`${await signed()}${'A'.repeat(100_000)}`)).rejects.toMatchObject(refused);
  });

  test('roles that do not exist are no roles', async () => {
    await expect(verifier().verify(await signed({ roles: ['root', 'viewer', 7] }))).resolves.toMatchObject({ roles: ['viewer'] });
  });
});

describe('a replayed identity is refused (A07)', () => {
  test('at another service, and with several audiences not of this one', async () => {
    const token = await signed();
    await expect(verifier().verify(token)).resolves.toBeDefined();
    await expect(verifier(undefined, 'context').verify(token)).rejects.toMatchObject(refused);
    await expect(verifier().verify(await signed({ aud: ['context', 'protocol'] }))).rejects.toMatchObject(refused);
  });

  test('after its end, also where it was verified before', async () => {
    await expect(verifier().verify(await signed({ exp: seconds(-1) }))).rejects.toMatchObject(refused);
    const warm = verifier();
    const token = await signed();
    await warm.verify(token);
    setClockOffset(61_000);
    await expect(warm.verify(token)).rejects.toMatchObject(refused);
    await expect(warm.verify(token)).rejects.toMatchObject(refused);
  });

  test('before its time', async () => {
    await expect(verifier().verify(await signed({ nbf: seconds(30) }))).rejects.toMatchObject(refused);
  });

  test('once its credential is revoked, verified before or not', async () => {
    const watching = verifier();
    const [known, fresh] = [await signed(), await signed({ name: 'other' })];
    await watching.verify(known);
    watching.revoke('key_1', Date.now());
    await expect(watching.verify(known)).rejects.toMatchObject(refused);
    await expect(watching.verify(fresh)).rejects.toMatchObject(refused);
    await expect(watching.verify(await signed({ cid: 'key_2' }))).resolves.toBeDefined();
  });

  test('from before its principal got other rights, and not from after', async () => {
    const watching = verifier();
    watching.revoke('user_1', Date.now());
    await expect(watching.verify(await signed())).rejects.toMatchObject(refused);
    await expect(watching.verify(await signed({ iat: Date.now() / 1000 + 0.01 }))).resolves.toBeDefined();
  });

  test('a flood of revocations does not fill the memory', async () => {
    const watching = verifier();
    for (let i = 0; i < 10_500; i++) watching.revoke(`key_flood_${i}`, Date.now());
    await expect(watching.verify(await signed({ cid: 'key_flood_10499' }))).rejects.toMatchObject(refused);
    await expect(watching.verify(await signed({ cid: 'key_flood_0' }))).resolves.toBeDefined();
  });
});

describe('keys', () => {
  test('are asked for once at first, and once a second at most for unknown ids', async () => {
    const source = jest.fn(() => Promise.resolve({ keys: [jwk] }));
    const asking = verifier(source);
    await Promise.all([asking.verify(await signed()), asking.verify(await signed({ name: 'b' }))]);
    expect(source).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 20; i++) await asking.verify(await signed({}, { kid: `unknown-${i}` })).catch(() => undefined);
    expect(source).toHaveBeenCalledTimes(1);
  });

  test('that come by rotation are found', async () => {
    const next = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const nextJwk = { ...(await exportJWK(next.publicKey)), kid: 'tomorrow', alg: 'EdDSA' };
    let keys = [jwk as JWK];
    const rotating = verifier(() => Promise.resolve({ keys: keys as never }));
    await rotating.verify(await signed());
    keys = [nextJwk, jwk];
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    await expect(rotating.verify(await signed({}, { kid: 'tomorrow' }, next.privateKey))).resolves.toMatchObject({ principal: 'user_1' });
    await expect(rotating.verify(await signed({ name: 'still' }))).resolves.toBeDefined();
  });

  test('that were never had make it unavailable; those that are known stay in use', async () => {
    let isAway = true;
    const source = jest.fn(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve({ keys: [jwk] })));
    const waiting = verifier(source);
    await expect(waiting.verify(await signed())).rejects.toThrow();
    isAway = false;
    await expect(waiting.verify(await signed())).resolves.toBeDefined();
    isAway = true;
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const before = source.mock.calls.length;
    for (let i = 0; i < 5; i++) await waiting.verify(await signed({}, { kid: `x${i}` })).catch(() => undefined);
    expect(source.mock.calls.length - before).toBe(1);
    await expect(waiting.verify(await signed({ name: 'again' }))).resolves.toBeDefined();
  });
});
