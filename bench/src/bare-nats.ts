import { spawn } from 'node:child_process';
import { connect } from '@nats-io/transport-node';
import { freePort } from '@signalbox/stack/free-port.js';
import { natsBinary } from '@signalbox/stack/nats/binary.js';

/** A nats-server without accounts, for measuring the bus alone. */
export async function startBareNats(folder: string): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort();
  const { path } = await natsBinary(folder);
  const child = spawn(path, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], { stdio: 'ignore' });
  const url = `nats://127.0.0.1:${port}`;
  const probe = await connect({ servers: url, waitOnFirstConnect: true, reconnectTimeWait: 20 });
  await probe.close();
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}
