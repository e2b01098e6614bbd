import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { once } from 'node:events';
import { readLines } from './line-reader.ts';
import { LineRing, withoutControls } from './line-ring.ts';

async function linesOf(chunks: Buffer[], lineMaxBytes = 1_000): Promise<{ lines: string[]; tooLong: number[] }> {
  const lines: string[] = [];
  const tooLong: number[] = [];
  const stream = Readable.from(chunks, { objectMode: false });
  readLines(stream, { lineMaxBytes, onLine: (line) => lines.push(line.toString()), onTooLong: (bytes) => tooLong.push(bytes) });
  await once(stream, 'end');
  return { lines, tooLong };
}

test('however a text is cut into pieces, its lines are the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '\n', '漢') })), async (pieces) => {
      const bytes = Buffer.from(pieces.join(''));
      const one = await linesOf([bytes]);
      const many = await linesOf([...bytes].map((byte) => Buffer.from([byte])));
      expect(many.lines).toEqual(one.lines);
      expect(one.lines).toEqual(
        pieces
          .join('')
          .split('\n')
          .filter((line) => line !== ''),
      );
    }),
    { numRuns: 50 },
  );
});

test('a carriage return before the newline is no part of the line', async () => {
  expect((await linesOf([Buffer.from('one\r\ntwo\n')])).lines).toEqual(['one', 'two']);
});

test('a line that is too long is told once and skipped, in pieces or whole', async () => {
  const whole = await linesOf([Buffer.from(`${'x'.repeat(50)}\nshort\n`)], 10);
  expect(whole).toEqual({ lines: ['short'], tooLong: [50] });
  const pieces = await linesOf([Buffer.from('12345678'), Buffer.from('90123'), Buffer.from('456\nnext')], 10);
  expect(pieces).toEqual({ lines: ['next'], tooLong: [13] });
});

test('foreign text loses what would move a cursor or turn its direction', () => {
  expect(withoutControls('\u001b[31mred\u001b[0m \u202eevil\u0007 tab\there\r')).toBe('red evil tab\there');
});

test('a ring keeps the newest lines, each cut to its cap', () => {
  const ring = new LineRing({ linesMax: 2, lineMaxBytes: 4 });
  for (const line of ['one', 'two', 'three']) ring.push(line);
  expect(ring.lines).toEqual(['two', 'thre…']);
  expect(ring.total).toBe(3);
});
