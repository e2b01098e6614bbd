import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { sendProblem } from './problem.ts';
import { pageNonce } from './security-headers.ts';

/** Paths under these are doors, never pages. */
const doors = /^\/(?:api|v1|mcp|a2a|docs|healthz|readyz|\.well-known)(?:\/|$)/;
const noncePlaceholder = '__CSP_NONCE__';

/** What is built, as it was found. */
interface Build {
  files: Set<string>;
  page: string | null;
  /** When the page was made. */
  madeMs: number;
}

/** Serves the built dashboard: its files as they are, its one page for every other path that is no door. Built anew, the new one is served at once. */
export async function serveDashboard(fastify: FastifyInstance, folder: string): Promise<void> {
  let build: Build = { files: await filesIn(folder), page: null, madeMs: 0 };
  const look = async (): Promise<void> => {
    const file = join(folder, 'index.html');
    const found = await stat(file).catch(() => null); // it is being built: what was there is served
    if (found === null || found.mtimeMs === build.madeMs) return;
    build = { files: await filesIn(folder), page: await readFile(file, 'utf8'), madeMs: found.mtimeMs };
  };
  await look();
  if (build.page === null) log.warn('the dashboard is not built', { folder });

  fastify.get('/*', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const name = path.slice(1);
    if (!build.files.has(name) && !doors.test(path)) await look();
    const { files, page } = build;
    const isHashed = name.startsWith('assets/');
    if (files.has(name) && name !== 'index.html') {
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'public, max-age=300');
      return reply.sendFile(name, folder);
    }
    if (doors.test(path) || page === null || isHashed || !/^\/[A-Za-z0-9/_.-]*$/.test(path)) {
      sendProblem(
        reply,
        page === null && !doors.test(path)
          ? new Fault('not_found', 'the dashboard is not built', 'Run `npm start`, which builds it.')
          : new Fault('not_found', `there is no GET ${path.slice(0, 200)}`, 'GET /api/openapi.json lists what there is.'),
      );
      return reply;
    }
    return reply.type('text/html; charset=utf-8').send(page.replaceAll(noncePlaceholder, pageNonce(reply)));
  });
}

async function filesIn(folder: string): Promise<Set<string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return new Set(
    entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')),
  );
}
