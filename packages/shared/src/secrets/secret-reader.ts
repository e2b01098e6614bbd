import type { Bus } from '../bus/bus.ts';
import { resolveSecret } from '../contracts/security/resolve-secret.ts';
import { Fault } from '../errors/fault.ts';
import type { Caller } from '../identity/caller.ts';
import { keepHeadersOut, keepOut } from './live-secrets.ts';
import { fillReferences } from './secret-reference.ts';

/** A value is asked for again after this time, in case nobody told of its change. */
const keepMs = 5_000;
/** Values kept at once; beyond, all are asked for anew. */
const keptMax = 500;

interface Kept {
  value: string;
  until: number;
}

/** The values of secrets, for the call that is about to be made with them, and in the workspace of its caller. */
export class SecretReader {
  private readonly kept = new Map<string, Kept>();
  /** Counts changes, so that an answer that was under way during one is not kept. */
  private changes = 0;

  constructor(private readonly bus: Bus) {}

  /** The text with each `secret://NAME` replaced. `invalid`, with what to do, when there is none of that name. */
  fill(caller: Caller, text: string): Promise<string> {
    return fillReferences(text, (name) => this.valueOf(caller, name));
  }

  /** Variables or headers, filled. */
  async fillAll(caller: Caller, texts: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    return Object.fromEntries(
      await Promise.all(Object.entries(texts).map(async ([name, text]) => [name, await this.fill(caller, text)] as const)),
    );
  }

  /** Headers, filled. `invalid` where a value cannot stand in one. */
  async fillHeaders(caller: Caller, headers: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const filled = await this.fillAll(caller, headers);
    for (const [name, value] of Object.entries(filled)) {
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
        throw new Fault(
          'invalid',
          `the secret in the header ${name} has characters that no header can hold`,
          'Set it again without line breaks and other control characters: signalbox secrets set.',
        );
      }
    }
    keepHeadersOut(filled);
    return filled;
  }

  /** What is known of values is worth nothing any more: one has changed. */
  forget(): void {
    this.changes++;
    this.kept.clear();
  }

  private async valueOf(caller: Caller, name: string): Promise<string> {
    const key = `${caller.workspace} ${name}`;
    const known = this.kept.get(key);
    if (known && known.until > performance.now()) return known.value;
    const before = this.changes;
    const value = await this.ask(caller, name);
    keepOut(name, value);
    if (this.kept.size >= keptMax) this.kept.clear();
    if (this.changes === before) this.kept.set(key, { value, until: performance.now() + keepMs });
    return value;
  }

  private async ask(caller: Caller, name: string): Promise<string> {
    try {
      const identity = await caller.tokenFor(this.bus.service);
      return (await this.bus.request(resolveSecret, { identity, name }, 'service')).value;
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'not_found') throw thrown;
      throw new Fault('invalid', `there is no secret ${name}: set it with \`signalbox secrets set ${name}\``, 'Set it, then try again.', {
        cause: thrown,
      });
    }
  }
}
