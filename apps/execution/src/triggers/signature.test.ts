import { expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { isSigned } from './signature.ts';

const secret = 'a secret of some length';
const body = Buffer.from('{"a":1}');
const at = 1_800_000_000_000;
const sign = (text: string, with_ = secret): string => createHmac('sha256', with_).update(text).digest('hex');

test('GitHub’s signature is one over the body', () => {
  expect(isSigned('github', secret, { body, signature: `sha256=${sign('{"a":1}')}`, delivery: 'x' }, at)).toBe(true);
  expect(isSigned('github', secret, { body, signature: `sha256=${sign('{"a":2}')}`, delivery: 'x' }, at)).toBe(false);
  expect(isSigned('github', secret, { body, signature: `sha256=${sign('{"a":1}', 'another')}`, delivery: 'x' }, at)).toBe(false);
  expect(isSigned('github', secret, { body, signature: undefined, delivery: '' }, at)).toBe(false);
});

test('ours is over time, delivery and body, and is worth nothing when it is old', () => {
  const t = at / 1_000;
  const signature = `t=${t},v1=${sign(`${t}.d-1.{"a":1}`)}`;
  expect(isSigned('signalbox', secret, { body, signature, delivery: 'd-1' }, at)).toBe(true);
  expect(isSigned('signalbox', secret, { body, signature, delivery: 'd-2' }, at)).toBe(false);
  expect(isSigned('signalbox', secret, { body, signature, delivery: 'd-1' }, at + 299_000)).toBe(true);
  expect(isSigned('signalbox', secret, { body, signature, delivery: 'd-1' }, at + 301_000)).toBe(false);
  expect(isSigned('signalbox', secret, { body, signature: signature.replace(`t=${t}`, `t=${t + 1}`), delivery: 'd-1' }, at)).toBe(false);
  expect(isSigned('signalbox', secret, { body, signature: `sha256=${sign('{"a":1}')}`, delivery: '' }, at)).toBe(false);
});
