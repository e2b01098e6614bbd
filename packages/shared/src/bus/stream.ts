import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { Fault } from '../errors/fault.ts';

/** What is larger than a message travels in parts of this size. */
export const chunkBytes = 256 * 1024;
/** Parts that may be under way at once, until the receiver says otherwise: enough to hide a round trip, little enough to hold in memory. */
export const streamCredit = 4;
const base64MaxLength = Math.ceil(chunkBytes / 3) * 4;

/** One part of a stream: parts are counted from 0, all but the last have `chunkBytes` bytes. */
export class Chunk {
  @IsInt() @Min(0) index!: number;
  /** The bytes in base64. */
  @IsString() @MaxLength(base64MaxLength) data!: string;
}

/** The receiver's answer to one part. */
export class ChunkReply {
  /** How many further parts it takes at once. */
  @IsInt() @Min(1) @Max(64) credit!: number;
}

export function encodeChunk(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The bytes of one part. `invalid` when they are not base64 or too many. */
export function decodeChunk(data: string): Buffer {
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length > chunkBytes || bytes.toString('base64') !== data) {
    throw new Fault('invalid', 'a part of the stream is not base64 of at most 256 KiB', 'Send it as the stream contract says.');
  }
  return bytes;
}

/** Cuts bytes as they come into parts of `chunkBytes`; what is empty has no part. */
export async function* chunksOf(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength;) {
      const part = piece.subarray(at, at + chunkBytes - size);
      waiting.push(part);
      size += part.byteLength;
      at += part.byteLength;
      if (size === chunkBytes) {
        yield Buffer.concat(waiting);
        waiting = [];
        size = 0;
      }
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
}

/** Sends bytes as numbered parts, as many at once as the receiver allows. The first fault ends it. Answers with the number of parts. */
export async function sendChunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  send: (chunk: Chunk) => Promise<ChunkReply>,
): Promise<number> {
  const underWay = new Set<Promise<void>>();
  let credit = 1; // the first answer tells how many it takes
  let failure: { thrown: unknown } | null = null;
  let index = 0;
  for await (const bytes of chunksOf(source)) {
    while (underWay.size >= credit && !failure) await Promise.race(underWay);
    if (failure) break;
    const sending: Promise<void> = send({ index: index++, data: encodeChunk(bytes) })
      .then((reply) => void (credit = reply.credit))
      .catch((thrown: unknown) => void (failure ??= { thrown }))
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
  await Promise.all(underWay);
  if (failure) throw (failure as { thrown: unknown }).thrown;
  return index;
}

/** Reads `count` parts in order, asking for up to `credit` ahead of what was taken. */
export async function* receiveChunks(
  count: number,
  receive: (index: number) => Promise<{ data: string }>,
  credit: number = streamCredit,
): AsyncGenerator<Buffer> {
  const ahead: Promise<{ data: string }>[] = [];
  let next = 0;
  for (let taken = 0; taken < count; taken++) {
    while (next < count && ahead.length < credit) {
      const asking = receive(next++);
      asking.catch(() => undefined); // it is thrown when its turn comes
      ahead.push(asking);
    }
    const { data } = await ahead.shift()!;
    yield decodeChunk(data);
  }
}
