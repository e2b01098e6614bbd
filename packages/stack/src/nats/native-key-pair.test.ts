import { expect, test } from '@jest/globals';
import { createAccount, createOperator, createUser, fromPublic } from '@nats-io/jwt';
import { nativeKeyPair } from './native-key-pair.ts';

test.each([createOperator, createAccount, createUser])('signs as the library does, under the same public key (%p)', (create) => {
  const library = create();
  const native = nativeKeyPair(new TextDecoder().decode(library.getSeed()));
  const message = new TextEncoder().encode('a message');

  expect(native.getPublicKey()).toBe(library.getPublicKey());
  expect(native.sign(message)).toEqual(library.sign(message));
  expect(fromPublic(native.getPublicKey()).verify(message, native.sign(message))).toBe(true);
  expect(native.getPrivateKey()).toEqual(library.getPrivateKey());
  expect(native.getSeed()).toEqual(library.getSeed());
});

test('refuses what is no seed', () => {
  expect(() => nativeKeyPair('SUnotaseed')).toThrow();
});
