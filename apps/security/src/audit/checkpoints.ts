import { appendFile, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { timingSafeEqual } from 'node:crypto';
import { dirname } from 'node:path';
import { Injectable } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { SecurityConfig } from '../security.config.ts';
import { AuditStore } from './audit.store.ts';

/** Where a workspace's chain stood at a time. */
export interface Checkpoint {
  workspace: string;
  seq: number;
  /** Hash of that entry, in hexadecimal. */
  hash: string;
  /** Epoch milliseconds. */
  at: number;
}

/** Workspaces looked at in one query. */
const pageMax = 1_000;
/** A larger file keeps only the newest checkpoint of each workspace. */
const fileMaxBytes = 4 * 1024 * 1024;

/**
 * Signed places of the chains, kept in a file outside the database (`AUDIT_CHECKPOINT_FILE`) and in the log: who rewrites the database cannot rewrite these,
 * and cannot make others, since the secret that signs them is sealed by the master key.
 */
@Injectable()
export class Checkpoints {
  private readonly noted = new Map<string, number>();
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: SecurityConfig,
    private readonly system: SystemDatabase,
    private readonly store: AuditStore,
    private readonly hasher: CredentialHasher,
  ) {}

  /** Notes every chain that has grown since it was noted last. */
  async noteAll(): Promise<void> {
    for (let after = ''; ;) {
      const heads = await this.store.headsAfter(this.system.source.manager, after, pageMax);
      for (const head of heads) await this.note(head);
      if (heads.length < pageMax) return;
      after = heads.at(-1)!.workspace;
    }
  }

  async note({ workspace, seq, hash }: Omit<Checkpoint, 'at'>): Promise<void> {
    if (seq === 0 || this.noted.get(workspace) === seq) return;
    const checkpoint = { workspace, seq, hash, at: now() };
    const line = { ...checkpoint, signature: this.sign(checkpoint) };
    log.info('an audit checkpoint', line);
    this.writing = this.writing.then(() => this.write(JSON.stringify(line)));
    await this.writing;
    this.noted.set(workspace, seq);
  }

  /** The checkpoints of a workspace that bear our signature, the oldest first. */
  async of(workspace: string): Promise<Checkpoint[]> {
    return (await this.read()).filter((checkpoint) => checkpoint.workspace === workspace);
  }

  private async write(line: string): Promise<void> {
    const file = this.config.auditCheckpointFile;
    if (file === '') return;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await appendFile(file, `${line}\n`, { mode: 0o600 });
      await this.shrink(file);
    } catch (err) {
      log.error('an audit checkpoint was not kept', { err });
    }
  }

  private async shrink(file: string): Promise<void> {
    if ((await stat(file)).size <= fileMaxBytes) return;
    const text = await readFile(file, 'utf8');
    const newest = new Map(
      text.split('\n').flatMap((line) => {
        const checkpoint = parsed(line);
        return checkpoint ? [[checkpoint.workspace, line] as const] : [];
      }),
    );
    await writeFile(`${file}.new`, `${[...newest.values()].join('\n')}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  private async read(): Promise<Checkpoint[]> {
    const file = this.config.auditCheckpointFile;
    if (file === '') return [];
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').flatMap((line) => {
      const checkpoint = parsed(line);
      return checkpoint && this.isOurs(checkpoint) ? [checkpoint] : [];
    });
  }

  private isOurs({ signature, ...checkpoint }: Checkpoint & { signature: string }): boolean {
    const expected = Buffer.from(this.sign(checkpoint));
    const given = Buffer.from(String(signature));
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  private sign({ workspace, seq, hash, at }: Checkpoint): string {
    return this.hasher.hash(`audit checkpoint ${workspace} ${seq} ${hash} ${at}`).toString('hex');
  }
}

/** A line of the file; null for one that was cut in the middle by a crash. */
function parsed(line: string): (Checkpoint & { signature: string }) | null {
  try {
    return line === '' ? null : (JSON.parse(line) as Checkpoint & { signature: string });
  } catch {
    return null;
  }
}
