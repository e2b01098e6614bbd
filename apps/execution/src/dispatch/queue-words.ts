import type { Bus } from '@signalbox/shared/bus/bus.js';
import { messageMaxBytes } from '@signalbox/shared/bus/contract.js';
import { tellQueue, type QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { sizeOf, type Json } from '@signalbox/workflow/core/json.js';

const wordsMax = 256;
/** A message with room for its other fields. */
const bytesMax = messageMaxBytes - 16_384;
const retryMs = 100;

/** What this replica has to tell the owners of other replicas' queues: in order, one message at a time to each, until it is heard. */
export class QueueWords {
  private readonly waiting = new Map<number, QueueWord[]>();
  private readonly telling = new Set<number>();
  private isStopped = false;

  constructor(private readonly bus: Bus) {}

  tell(shard: number, word: QueueWord): void {
    const words = this.waiting.get(shard);
    if (words) words.push(word);
    else this.waiting.set(shard, [word]);
    if (this.telling.has(shard)) return;
    this.telling.add(shard);
    // After what is being handled now has been: words of one moment go together.
    queueMicrotask(() => inCall({ traceparent: childTraceparent() }, () => void this.deliver(shard)));
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
      const some = words.slice(0, countOf(words));
      try {
        await this.bus.request(tellQueue, { words: some }, 'service', { shard });
      } catch (thrown) {
        const { code } = Fault.from(thrown);
        if (code === 'unavailable' || code === 'timeout') {
          await sleep(retryMs);
          continue;
        }
        log.error('the owner of a queue refuses what it is told', { shard, err: thrown });
      }
      // What was told may have been forgotten meanwhile, and something else be waiting.
      if (this.waiting.get(shard) !== words) continue;
      words.splice(0, some.length);
      if (words.length === 0) this.waiting.delete(shard);
    }
    this.telling.delete(shard);
  }
}

/** As many words as one message holds, at least one. */
function countOf(words: readonly QueueWord[]): number {
  let bytes = 0;
  for (let count = 0; count < Math.min(words.length, wordsMax); count++) {
    bytes += 512 + sizeOf((words[count]?.offer?.input ?? null) as Json);
    if (bytes > bytesMax && count > 0) return count;
  }
  return Math.min(words.length, wordsMax);
}
