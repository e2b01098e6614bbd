import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Seals what is secret in the database: AES-256-GCM, so that what was exchanged or altered does not open. */
export class MasterKey {
  /** Names the key without telling it. */
  readonly id: string;

  constructor(private readonly key: Buffer) {
    if (key.length !== keyBytes) throw new Error(`a master key has ${keyBytes} bytes, not ${key.length}`);
    this.id = createHash('sha256').update('signalbox master key\0').update(key).digest('hex').slice(0, 16);
  }

  static random(): MasterKey {
    return new MasterKey(randomBytes(keyBytes));
  }

  /** The key in a file's text: base64 (of either alphabet) of 32 bytes. */
  static fromText(text: string): MasterKey {
    return new MasterKey(Buffer.from(text.trim(), 'base64'));
  }

  toText(): string {
    return `${this.key.toString('base64')}\n`;
  }

  /** `name` says what is sealed: under another name it does not open. */
  seal(name: string, plain: Uint8Array): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(name));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  /** Throws when it was sealed with another key or under another name, or altered since. */
  open(name: string, sealed: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(name))
      .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
  }
}
