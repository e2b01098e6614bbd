import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchNatsServer, natsRelease, type FetchSources } from './fetch-binary.ts';

let work: string;
beforeEach(async () => void (work = await mkdtemp(join(tmpdir(), 'signalbox-fetch-'))));
afterEach(() => rm(work, { recursive: true, force: true }));

const target = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const noDebian: FetchSources['debian'] = () => Promise.reject(new Error('no apt on this system'));

/** An archive as a release has it, with a small program in it. */
async function archive(): Promise<Buffer> {
  const stem = `nats-server-v${natsRelease.version}-${target}`;
  await mkdir(join(work, 'made', stem), { recursive: true });
  await writeFile(join(work, 'made', stem, 'nats-server'), '#!/bin/sh\necho v2.11.8\n');
  execFileSync('tar', ['-czf', join(work, 'made.tar.gz'), '-C', join(work, 'made'), stem]);
  return readFile(join(work, 'made.tar.gz'));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('every platform of ours has a pinned archive', () => {
  for (const platform of ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'])
    expect(natsRelease.sha256[platform]).toMatch(/^[0-9a-f]{64}$/);
});

test('a Debian package is taken where there is one', async () => {
  const folder = join(work, 'bin');
  const debian: FetchSources['debian'] = async (into) => {
    await mkdir(join(into, 'root', 'usr', 'sbin'), { recursive: true });
    await writeFile(join(into, 'root', 'usr', 'sbin', 'nats-server'), 'program');
  };
  await expect(fetchNatsServer(folder, { debian, download: () => Promise.reject(new Error('not asked')), sha256: {} })).resolves.toBe(
    'a Debian package',
  );
  expect(await readFile(join(folder, 'nats-server'), 'utf8')).toBe('program');
});

test('else the release archive is taken, if it is the one that was released', async () => {
  const bytes = await archive();
  const folder = join(work, 'bin');
  const urls: string[] = [];
  const download: FetchSources['download'] = (url) => {
    urls.push(url);
    return Promise.resolve(bytes);
  };
  await expect(fetchNatsServer(folder, { debian: noDebian, download, sha256: { [target]: sha256(bytes) } })).resolves.toBe(
    'the release archive',
  );
  expect(urls).toEqual([
    `https://github.com/nats-io/nats-server/releases/download/v${natsRelease.version}/nats-server-v${natsRelease.version}-${target}.tar.gz`,
  ]);
  expect(await readdir(folder)).toEqual(['nats-server']);
});

test('A14: an altered archive is named and not unpacked', async () => {
  const folder = join(work, 'bin');
  const bytes = Buffer.concat([await archive(), Buffer.from('x')]);
  await expect(
    fetchNatsServer(folder, { debian: noDebian, download: () => Promise.resolve(bytes), sha256: natsRelease.sha256 }),
  ).rejects.toMatchObject({
    detail: expect.stringMatching(/is not the one that was released.*It was not unpacked\./),
  });
  expect(await readdir(folder)).toEqual([]);
});

test('where nothing can be fetched, the command that brings it is named', async () => {
  const download: FetchSources['download'] = () => Promise.reject(new Error('HTTP 503'));
  await expect(fetchNatsServer(join(work, 'bin'), { debian: noDebian, download, sha256: natsRelease.sha256 })).rejects.toMatchObject({
    detail: expect.stringMatching(/a Debian package: no apt on this system; the release archive: HTTP 503/),
    next: expect.stringMatching(/install nats-server/),
  });
  await expect(fetchNatsServer(join(work, 'bin'), { debian: noDebian, download, sha256: {} })).rejects.toMatchObject({
    detail: expect.stringContaining('no release for'),
  });
});
