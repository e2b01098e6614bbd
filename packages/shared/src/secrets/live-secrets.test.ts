import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { scrub } from '../telemetry/log.ts';
import { dataWithoutSecrets, jsonWithoutSecrets, keepOut, withoutSecrets } from './live-secrets.ts';

const value = 'p4ss "wörd" +/\\ 9f27';
const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\r\nQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----';

beforeAll(() => {
  keepOut('database', value);
  keepOut('key', pem);
  keepOut('digits', '4711471147');
  keepOut('longer', `${value} and more`);
});

describe('the value of a secret', () => {
  test.each([
    ['as it is', `before ${value} after`],
    ['as JSON', JSON.stringify({ text: value })],
    ['as JSON within JSON', JSON.stringify({ text: JSON.stringify({ text: value }) })],
    ['in a URL', `https://x.test/?q=${encodeURIComponent(value)}`],
    ['in a form', new URLSearchParams({ q: 'p4ss word 12' }).toString() + encodeURIComponent(value).replaceAll('%20', '+')],
    ['in base64', Buffer.from(value).toString('base64')],
    ['in the base64 of URLs', Buffer.from(value).toString('base64url')],
    ['in the base64 of a user and password', Buffer.from(`me:${value}`).toString('base64')],
  ])('is replaced %s', (_, text) => {
    const clean = withoutSecrets(text);
    expect(clean).toContain('[secret:database]');
    expect(withoutSecrets(clean)).toBe(clean);
  });

  test('is replaced as a whole where another one is within it', () => {
    expect(withoutSecrets(`${value} and more`)).toBe('[secret:longer]');
  });

  test('of many lines is replaced line by line', () => {
    expect(withoutSecrets('it wrote MIIEvQIBADANBgkqhkiG9w0')).toBe('it wrote [secret:key]');
    expect(withoutSecrets(pem)).toBe('[secret:key]');
  });

  test('leaves JSON as JSON, in names and numbers, too', () => {
    const json = JSON.stringify({ [value]: 1, number: 4711471147, list: [value, null, true], other: 'x' });
    expect(JSON.parse(jsonWithoutSecrets(json))).toEqual({
      '[secret:database]': 1,
      number: '[secret:digits]',
      list: ['[secret:database]', null, true],
      other: 'x',
    });
  });

  test('is in no line of a log, which stays one line of JSON', () => {
    const line = scrub(`${JSON.stringify({ level: 'info', err: { stack: `Error: ${value}\n at x` }, msg: 'failed' })}\n`);
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toMatchObject({ err: { stack: 'Error: [secret:database]\n at x' } });
  });

  test('is not in base64 wherever it begins', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, unit: 'binary' }), fc.string({ unit: 'binary' }), fc.string(), (secret, before, after) => {
        fc.pre(secret.isWellFormed() && Buffer.byteLength(secret) >= 8);
        keepOut('any', secret);
        const base64 = Buffer.concat([Buffer.from(before), Buffer.from(secret), Buffer.from(after)]).toString('base64');
        expect(withoutSecrets(base64)).not.toBe(base64);
      }),
      { numRuns: 50 },
    );
  });
});

test('what holds no secret stays the very same', () => {
  const data = { a: ['text', 1, null] };
  expect(dataWithoutSecrets(data)).toBe(data);
  expect(dataWithoutSecrets(undefined)).toBeUndefined();
});

test('no more than the 500 values used last are kept', () => {
  for (let index = 0; index < 500; index++) keepOut(`n${index}`, `many-values-${index}-`);
  expect(withoutSecrets('many-values-0- many-values-499-')).toBe('[secret:n0] [secret:n499]');
  keepOut('n0', 'many-values-0-');
  keepOut('last', 'the value at last');
  expect(withoutSecrets('many-values-0- many-values-1- the value at last')).toBe('[secret:n0] many-values-1- [secret:last]');
});
