// A PostgreSQL and a NATS for the images, on this host: `node servers.mjs FOLDER`. Writes `postgres-url`, waits for `prepared`, then starts NATS with
// the configuration that the setup made and writes `nats-url`. Ends with SIGTERM.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../packages/stack/dist/free-port.js';
import { natsBinary } from '../../packages/stack/dist/nats/binary.js';
import { PostgresCluster } from '../../packages/stack/dist/postgres/cluster.js';

const [folder] = process.argv.slice(2);
const cluster = await PostgresCluster.start({
  folder: join(folder, 'postgres'),
  binariesFolder: join(folder, 'bin'),
  password: 'only-for-this-test',
});
let nats;
process.once('SIGTERM', async () => {
  nats?.kill('SIGTERM');
  await cluster.stop();
  process.exit(0);
});
writeFileSync(join(folder, 'postgres-url'), cluster.url('postgres'));
while (!existsSync(join(folder, 'prepared'))) await sleep(100);
const port = await freePort();
const jetstream = join(folder, 'jetstream');
mkdirSync(jetstream);
// The configuration names the store of its container; here it is a folder of the host.
const configuration = join(folder, 'nats-server.conf');
writeFileSync(
  configuration,
  readFileSync(join(folder, 'setup', 'nats', 'nats-server.conf'), 'utf8').replace(/store_dir: \S+/, `store_dir: "${jetstream}"`),
);
const { path } = await natsBinary(join(folder, 'bin'));
nats = spawn(path, ['-c', configuration, '-a', '127.0.0.1', '-p', String(port), '-m', String(await freePort())], { stdio: 'inherit' });
await sleep(500);
if (nats.exitCode !== null) throw new Error(`nats-server ended with ${nats.exitCode}`);
writeFileSync(join(folder, 'nats-url'), `nats://127.0.0.1:${port}`);
setInterval(() => undefined, 60_000);
