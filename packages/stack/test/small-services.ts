import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceNames } from '@signalbox/shared/bus/contract.js';

/**
 * A service for launching: real connections to PostgreSQL and NATS are left out, all that the launcher sees of a service is there. It answers on
 * its management port, logs, ends on SIGTERM, and the door listens.
 */
const source = `
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
const name = process.env.SIGNALBOX_SERVICE;
const say = (msg) => console.log(JSON.stringify({ msg, env: Object.keys(process.env).sort() }));
if (existsSync('dist/fails')) { say('the configuration cannot be used'); process.exit(3); }
const answer = (request, response) => response.end(JSON.stringify({ status: 'ok', service: name }));
createServer(answer).listen(Number(process.env.MANAGEMENT_PORT), '127.0.0.1', () => say('service started'));
if (name === 'api-gateway') createServer(answer).listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => { say('service stopped'); process.exit(0); });
`;

const migration = (table: string): string => `export const up = ['CREATE TABLE ${table} (n int)', 'INSERT INTO ${table} VALUES (1)'];
export const down = ['DROP TABLE ${table}'];
`;

/** Makes a root like the clone's, with small services in the places of the real ones. */
export async function makeRoot(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'package.json'), '{ "version": "0.0.1", "type": "module" }');
  for (const service of serviceNames) {
    const dist = join(root, 'apps', service, 'dist');
    await mkdir(join(dist, 'migrations'), { recursive: true });
    await writeFile(join(dist, 'main.js'), source);
    if (service !== 'api-gateway') await writeFile(join(dist, 'migrations', '0001-first.js'), migration('first'));
  }
}

/** Adds a second migration to one service, as an update does that the version before cannot work with. */
export async function addMigration(root: string, service: string): Promise<void> {
  await writeFile(
    join(root, 'apps', service, 'dist', 'migrations', '0002-second.js'),
    `${migration('second')}\nexport const breaks = true;`,
  );
}
