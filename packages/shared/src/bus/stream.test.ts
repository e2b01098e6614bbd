import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { chunkBytes, chunksOf, decodeChunk, encodeChunk, receiveChunks, sendChunks, type Chunk } from './stream.ts';

test('whatever the pieces were, what arrives is what was sent, and never more at once than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 5 }),
      async (sizes, credit) => {
        const pieces = sizes.map((size, piece) => Buffer.alloc(size, piece + 1));
        const stored: Chunk[] = [];
        let underWay = 0;
        const count = await sendChunks(pieces, async (chunk) => {
          expect(++underWay).toBeLessThanOrEqual(credit);
          await new Promise((resolve) => setImmediate(resolve));
          stored[chunk.index] = chunk;
          underWay--;
          return { credit };
        });
        expect(count).toBe(stored.length);
        expect(stored.slice(0, -1).every(({ data }) => decodeChunk(data).length === chunkBytes)).toBe(true);
        const got: Buffer[] = [];
        for await (const bytes of receiveChunks(count, async (index) => stored[index]!, credit)) got.push(bytes);
        expect(Buffer.concat(got).equals(Buffer.concat(pieces))).toBe(true);
      },
    ),
    { numRuns: 25 },
  );
});

test('the first fault ends the sending', async () => {
  let sent = 0;
  const sending = sendChunks([Buffer.alloc(chunkBytes * 10)], async () => {
    if (++sent === 3) throw new Error('the disk is full');
    return { credit: 2 };
  });
  await expect(sending).rejects.toThrow('the disk is full');
  expect(sent).toBeLessThan(6);
});

test('a part that cannot be read is thrown in its turn', async () => {
  const got: number[] = [];
  const reading = (async () => {
    for await (const bytes of receiveChunks(3, async (index) =>
      index === 1 ? Promise.reject(new Error('gone')) : { data: encodeChunk(Buffer.alloc(7)) },
    ))
      got.push(bytes.length);
  })();
  await expect(reading).rejects.toThrow('gone');
  expect(got).toEqual([7]);
});

test('what is not base64, or too much, is refused', () => {
  expect(() => decodeChunk('***')).toThrow('base64');
  expect(() => decodeChunk(encodeChunk(Buffer.alloc(chunkBytes + 1)))).toThrow('256 KiB');
});

test('nothing is no part', async () => {
  const parts: Buffer[] = [];
  for await (const part of chunksOf([])) parts.push(part);
  expect(parts).toEqual([]);
});
