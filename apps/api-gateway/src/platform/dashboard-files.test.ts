import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fastifyStatic from '@fastify/static';
import { fastify } from 'fastify';
import { serveDashboard } from './dashboard-files.ts';

test('a dashboard that is built anew is served at once, and files that went are not there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-dashboard-'));
  const http = fastify();
  try {
    const build = async (name: string, at: number): Promise<void> => {
      await rm(join(folder, 'assets'), { recursive: true, force: true });
      await mkdir(join(folder, 'assets'));
      await writeFile(join(folder, 'assets', `${name}.js`), `// ${name}`);
      await writeFile(join(folder, 'index.html'), `<script src="/assets/${name}.js"></script>`);
      await utimes(join(folder, 'index.html'), at, at);
    };
    await build('first', 1_000);
    await http.register(fastifyStatic, { root: folder, serve: false });
    await serveDashboard(http, folder);
    const get = (url: string): Promise<{ statusCode: number; body: string }> => http.inject({ method: 'GET', url });
    expect((await get('/runs/x')).body).toContain('first.js');
    expect((await get('/assets/first.js')).body).toBe('// first');
    expect((await get('/assets/other.js')).statusCode).toBe(404); // not the page: no browser takes it for a script

    await build('second', 2_000);
    expect((await get('/')).body).toContain('second.js');
    expect((await get('/assets/second.js')).body).toBe('// second');
    expect((await get('/assets/first.js')).statusCode).toBe(404);

    await rm(join(folder, 'index.html')); // as while it is built
    expect((await get('/')).body).toContain('second.js');
  } finally {
    await http.close();
    await rm(folder, { recursive: true, force: true });
  }
});
