import type { Json } from '@signalbox/workflow/core/json.js';
import type { Reply, Task } from './world.ts';

interface Entry {
  value: Json;
  version: number;
}

/** Shared state where there is no server: that of one run with its children, from nothing on. */
export class LocalState {
  private readonly entries = new Map<string, Entry>();

  replyTo({ run, input }: Task): Reply {
    const { scope = run, key, set, version } = input as { scope?: string; key: string; set?: Json; version?: number };
    const at = `${scope} ${key}`;
    const known = this.entries.get(at) ?? { value: null, version: 0 };
    if (set === undefined) return { output: { ...known } };
    if (version !== undefined && version !== known.version) {
      const detail = `the key is at version ${known.version}, not ${version}`;
      return { error: { code: 'conflict', detail, next: 'Read it again and repeat the change.' } };
    }
    this.entries.set(at, { value: set, version: known.version + 1 });
    return { output: { version: known.version + 1 } };
  }
}
