import { randomBytes } from 'node:crypto';
import { masterKeyId } from '@signalbox/shared/secrets/master-key-id.js';
import { keyBytes, SealingKey } from './sealing-key.ts';

/** Keys in one file: the one in use, and those of before whose seals are not all made anew yet. */
const keysMax = 8;

/** Seals what is secret in the database, data keys among it. It opens what it sealed, and what the `older` keys beside it did. */
export class MasterKey extends SealingKey {
  /** Names the key without telling it. */
  readonly id: string;

  constructor(
    key: Buffer,
    readonly older: readonly MasterKey[] = [],
  ) {
    super(key);
    this.id = masterKeyId(key);
  }

  static random(): MasterKey {
    return new MasterKey(randomBytes(keyBytes));
  }

  /** The keys in a file's text: one a line, base64 (of either alphabet) of 32 bytes. The first seals. */
  static fromText(text: string): MasterKey {
    const lines = text.trim().split(/\s+/);
    if (lines.length > keysMax) throw new Error(`there are ${lines.length} keys, and ${keysMax} at most`);
    const [first, ...older] = lines.map((line) => Buffer.from(line, 'base64'));
    return new MasterKey(
      first!,
      older.map((key) => new MasterKey(key)),
    );
  }

  toText(): string {
    return `${this.key.toString('base64')}\n`;
  }

  /** The names of all that it opens with, the one that it seals with first. */
  get ids(): string[] {
    return [this.id, ...this.older.map(({ id }) => id)];
  }

  override open(name: string, sealed: Buffer): Buffer {
    try {
      return super.open(name, sealed);
    } catch (thrown) {
      const [next, ...further] = this.older;
      if (!next) throw thrown; // no key opens it
      return new MasterKey(next.key, further).open(name, sealed);
    }
  }
}
