import { messageMaxBytes } from '@signalbox/shared/bus/contract.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';

const wordsMax = 256;
/** A message with room for its other fields. */
const bytesMax = messageMaxBytes - 16_384;
const retryMs = 100;
/** Between looks at whether words are heard. */
const heardMs = 20;

/** What this replica has to tell the owners of other replicas' shards: in order, one message at a time to each, until it is heard. */
export class ShardWords<Word> {
  private readonly waiting = new Map<number, Word[]>();
  private readonly telling = new Set<number>();
  private isStopped = false;

  constructor(
    /** Resolves when the owner of the shard has heard these. */
    private readonly send: (shard: number, words: Word[]) => Promise<unknown>,
    /** About how large a word is. */
    private readonly bytesOf: (word: Word) => number,
  ) {}

  tell(shard: number, word: Word): void {
    const words = this.waiting.get(shard);
    if (words) words.push(word);
    else this.waiting.set(shard, [word]);
    if (this.telling.has(shard)) return;
    this.telling.add(shard);
    // After what is being handled now has been: words of one moment go together.
    queueMicrotask(() => inCall({ traceparent: childTraceparent() }, () => void this.deliver(shard)));
  }

  /** Resolves when all that was said so far is heard, or forgotten. */
  async heard(): Promise<void> {
    const last = [...this.waiting].map(([shard, words]) => ({ shard, word: words.at(-1) as Word }));
    for (const { shard, word } of last) {
      while (!this.isStopped && this.waiting.get(shard)?.includes(word) === true) await sleep(heardMs);
    }
  }

  /** Nothing that was said to this shard's owner counts any more: there is another. */
  forget(shard: number): void {
    this.waiting.delete(shard);
  }

  stop(): void {
    this.isStopped = true;
    this.waiting.clear();
  }

  private async deliver(shard: number): Promise<void> {
    for (let words = this.waiting.get(shard); words !== undefined && !this.isStopped; words = this.waiting.get(shard)) {
      const some = words.slice(0, this.countOf(words));
      try {
        await this.send(shard, some);
      } catch (thrown) {
        const { code } = Fault.from(thrown);
        if (code === 'unavailable' || code === 'timeout') {
          await sleep(retryMs);
          continue;
        }
        log.error('the owner of a shard refuses what it is told', { shard, err: thrown });
      }
      // What was told may have been forgotten meanwhile, and something else be waiting.
      if (this.waiting.get(shard) !== words) continue;
      words.splice(0, some.length);
      if (words.length === 0) this.waiting.delete(shard);
    }
    this.telling.delete(shard);
  }

  /** As many words as one message holds, at least one. */
  private countOf(words: readonly Word[]): number {
    let bytes = 0;
    for (let count = 0; count < Math.min(words.length, wordsMax); count++) {
      bytes += this.bytesOf(words[count] as Word);
      if (bytes > bytesMax && count > 0) return count;
    }
    return Math.min(words.length, wordsMax);
  }
}
