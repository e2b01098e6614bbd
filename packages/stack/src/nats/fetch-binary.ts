import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StackFault } from '../stack-fault.ts';

const run = promisify(execFile);

/** The release that is fetched where no package brings one, with the SHA-256 of each platform's archive. */
export const natsRelease = {
  version: '2.11.8',
  sha256: {
    'linux-amd64': '397a6deffb5533e160de0cca322bc3dcaec7fb7282d66a3dfa87a9c183152ad1',
    'linux-arm64': 'b08936cb1dc0ae7086137bda14c352df64397c4af45ed2b392705c19585aeb84',
    'darwin-amd64': '002c943c1ed39c55cc5e024debfc02685111fcb2b1cbd887aad39ac977037477',
    'darwin-arm64': '23e0c5354c2da385708946a21900c944fcb9a3bbfd02aae27a4ae750dea0b682',
  } as Record<string, string>,
};

/** No archive of a release is larger; more is cut off. */
const archiveMaxBytes = 64 * 1024 * 1024;
const downloadTimeoutMs = 120_000;

export interface FetchSources {
  /** Brings the Debian package into a folder; absent where there is no apt. */
  debian: (folder: string) => Promise<void>;
  /** Brings an archive's bytes. */
  download: (url: string) => Promise<Uint8Array>;
  sha256: Record<string, string>;
}

const realSources: FetchSources = { debian: fetchDebianPackage, download, sha256: natsRelease.sha256 };

/** Brings `nats-server` into the folder: Debian's package where there is apt (which verifies it), else the release archive, verified here. */
export async function fetchNatsServer(
  folder: string,
  sources: FetchSources = realSources,
): Promise<'a Debian package' | 'the release archive'> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const work = await mkdtemp(join(folder, '.fetch-'));
  const reasons: string[] = [];
  try {
    for (const [from, fetchFrom] of [
      ['a Debian package', fromDebian],
      ['the release archive', fromRelease],
    ] as const) {
      try {
        const binary = await fetchFrom(work, sources);
        await chmod(binary, 0o755);
        await rename(binary, join(folder, 'nats-server'));
        return from;
      } catch (error) {
        if (error instanceof StackFault) throw error;
        reasons.push(`${from}: ${(error as Error).message.trim().split('\n').at(-1)}`);
      }
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  throw new StackFault(
    `There is no nats-server on this machine, and none could be fetched (${reasons.join('; ')}).`,
    process.platform === 'darwin'
      ? 'Run `brew install nats-server` and start again.'
      : 'Run `apt-get install nats-server` or put nats-server 2.9 or newer on the PATH, and start again.',
  );
}

async function fromDebian(work: string, { debian }: FetchSources): Promise<string> {
  const folder = join(work, 'debian');
  await mkdir(folder);
  await debian(folder);
  const found = join(folder, 'root', 'usr', 'sbin', 'nats-server');
  await access(found);
  return found;
}

/** `apt-get download` checks the archive's signature and needs no root; nothing is installed. */
async function fetchDebianPackage(folder: string): Promise<void> {
  if (process.platform !== 'linux') throw new Error('no apt on this system');
  await chmod(folder, 0o777); // apt fetches as a user of its own when it is started by root
  await run('apt-get', ['download', 'nats-server'], { cwd: folder, timeout: downloadTimeoutMs });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (!archive) throw new Error('apt-get brought no package');
  await run('dpkg', ['-x', join(folder, archive), join(folder, 'root')]);
}

async function fromRelease(work: string, { download: bring, sha256 }: FetchSources): Promise<string> {
  const target = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = sha256[target];
  if (!expected) throw new Error(`no release for ${target}`);
  const stem = `nats-server-v${natsRelease.version}-${target}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${natsRelease.version}/${stem}.tar.gz`;
  const archive = await bring(url);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) {
    throw new StackFault(
      `The archive ${url} is not the one that was released: its SHA-256 is ${actual}, not ${expected}. It was not unpacked.`,
      'Do not use it; install nats-server from a source that you trust.',
    );
  }
  const path = join(work, 'release.tar.gz');
  await writeFile(path, archive);
  await run('tar', ['-xzf', path, '-C', work, `${stem}/nats-server`]);
  const binary = join(work, 'nats-server');
  await copyFile(join(work, stem, 'nats-server'), binary);
  return binary;
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
  if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > archiveMaxBytes) throw new Error('the archive is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
