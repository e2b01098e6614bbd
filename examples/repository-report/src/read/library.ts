import { ApiError, ConnectionError } from '@signalbox/sdk/client/api-error.js';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { textOf } from '@signalbox/sdk/client/tools.js';
import type { ToolResult } from '@signalbox/sdk/client/tools.js';
import { backoffMs, sleep } from '@signalbox/sdk/client/transport.js';

/** A file of the folder that the librarian guards. */
export interface SourceFile {
  /** Absolute, as the librarian's server knows it. */
  path: string;
  text: string;
}

/** What is never read: what tools made, and what others wrote. */
export const excluded = [
  '**/node_modules',
  '**/.git',
  '**/dist',
  '**/build',
  '**/coverage',
  '**/target',
  '**/.turbo',
  '**/.cache',
  '**/.venv',
  '**/__pycache__',
  '**/.signalbox',
];

/** Files in one call: their texts together should stay well under a message of the bus (512 KiB). */
const batchFiles = 12;
/** Calls at once of one task: more only queue up at the server, which answers one after another. */
const callsAtOnce = 3;

/** A call whose answer takes longer was lost with the service that had it. */
const callTimeoutMs = 20_000;
/** Reading again does no harm: services that are killed are back within seconds. */
const callAttempts = 6;

interface TreeEntry {
  name: string;
  type: 'file' | 'directory';
  children?: TreeEntry[];
}

/** Reads folders and files through the tools of the librarian's MCP server: there is no other way to them. */
export class Library {
  readonly #client: Pick<SignalboxClient, 'tools'>;
  readonly #server: string;
  readonly #signal: AbortSignal;

  constructor(client: Pick<SignalboxClient, 'tools'>, server: string, signal: AbortSignal) {
    this.#client = client;
    this.#server = server;
    this.#signal = signal;
  }

  /** All files below a folder, in order of their paths. */
  async filesBelow(folder: string): Promise<string[]> {
    const tree = JSON.parse(await this.#call('directory_tree', { path: folder, excludePatterns: excluded })) as TreeEntry[];
    const files: string[] = [];
    const walk = (entries: readonly TreeEntry[], at: string): void => {
      for (const { name, type, children } of entries) {
        if (type === 'directory') walk(children ?? [], `${at}/${name}`);
        else files.push(`${at}/${name}`);
      }
    };
    walk(tree, folder);
    return files.sort();
  }

  /** The texts of files; those that cannot be read are left out. */
  async read(paths: readonly string[], onRead: (done: number) => void = () => undefined): Promise<SourceFile[]> {
    const batches: string[][] = [];
    for (let i = 0; i < paths.length; i += batchFiles) batches.push(paths.slice(i, i + batchFiles));
    const files: SourceFile[] = [];
    let done = 0;
    const work = async (): Promise<void> => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        files.push(...(await this.#readBatch(batch)));
        done += batch.length;
        onRead(done);
      }
    };
    await Promise.all(Array.from({ length: callsAtOnce }, work));
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async #readBatch(paths: readonly string[]): Promise<SourceFile[]> {
    try {
      return splitTexts(await this.#call('read_multiple_files', { paths }), paths);
    } catch (error) {
      // Too much for one message: half of it may fit. A single file that does not is left out.
      const isTooLarge = error instanceof ApiError && error.code === 'limited' && error.retryAfterMs === undefined;
      if (!isTooLarge) throw error;
      if (paths.length === 1) return [];
      const half = Math.ceil(paths.length / 2);
      return [...(await this.#readBatch(paths.slice(0, half))), ...(await this.#readBatch(paths.slice(half)))];
    }
  }

  async #patiently(call: () => Promise<ToolResult>): Promise<ToolResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (attempt >= callAttempts || !isAway(error)) throw error;
        await sleep(backoffMs(attempt, 200, 4_000), this.#signal);
      }
    }
  }

  async #call(tool: string, args: Record<string, unknown>): Promise<string> {
    const result = await this.#patiently(() =>
      this.#client.tools.call(this.#server, tool, args, { signal: this.#signal, timeoutMs: callTimeoutMs }),
    );
    if (result.isError) throw new Error(`the librarian could not do ${tool}: ${textOf(result).slice(0, 300)}`);
    return textOf(result);
  }
}

/** Whether the server, or a service on the way to it, is away for a moment. */
function isAway(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.code !== 'unreadable';
  return error instanceof ApiError && (error.code === 'unavailable' || error.code === 'timeout');
}

/**
 * Takes apart what `read_multiple_files` puts into one text: `PATH:\nTEXT\n` for each, with `\n---\n` between. Texts may hold such lines
 * themselves, but not followed by the next path.
 */
export function splitTexts(joined: string, paths: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  let at = 0;
  paths.forEach((path, i) => {
    const next = paths[i + 1];
    const separator = next === undefined ? null : `\n---\n${next}:`;
    const end = separator === null ? joined.length : joined.indexOf(separator, at);
    const part = joined.slice(at, end === -1 ? joined.length : end);
    at = end === -1 || separator === null ? joined.length : end + '\n---\n'.length;
    const head = `${path}:\n`;
    if (part.startsWith(head)) files.push({ path, text: part.slice(head.length).replace(/\n$/, '') });
  });
  return files;
}
