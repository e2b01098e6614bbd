import { createPublicKey, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { nativeAuthenticator } from './native-authenticator.ts';

/** Base 32 of a seed's form: prefix, 32 zero bytes, checksum. It opens nothing. */
const seed = `SUAA${'A'.repeat(54)}`;
const creds = `-----BEGIN NATS USER JWT-----
the.jwt.itself
------END NATS USER JWT------

************************* IMPORTANT *************************
-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;

/** The public key of 32 zero bytes as a private one (RFC 8032). */
const publicKey = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: 'O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik' },
  format: 'jwk',
});

test('a nonce is signed by the key of the file', () => {
  const { jwt, sig } = nativeAuthenticator(creds)('a nonce') as { jwt: string; sig: string };
  expect(jwt).toBe('the.jwt.itself');
  expect(verify(null, Buffer.from('a nonce'), publicKey, Buffer.from(sig, 'base64url'))).toBe(true);
});

test('a server that sends no nonce gets no signature', () => {
  expect(nativeAuthenticator(creds)()).toEqual({ jwt: 'the.jwt.itself', sig: '' });
});

test.each([
  ['no user', 'nothing', 'hold no user JWT'],
  ['no seed', creds.slice(0, creds.indexOf('-----BEGIN USER')), 'hold no user seed'],
  ['a cut seed', creds.replace(seed, seed.slice(0, 40)), 'not the seed of an NKey'],
])('credentials with %s are refused', (_, text, because) => {
  expect(() => nativeAuthenticator(text)).toThrow(because);
});
