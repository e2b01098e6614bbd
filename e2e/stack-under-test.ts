import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { databaseName } from '@signalbox/stack/database/services.js';
import { freePort } from '@signalbox/stack/free-port.js';
import { superuser } from '@signalbox/stack/postgres/cluster.js';

export const root = fileURLToPath(new URL('..', import.meta.url));
const readyMs = 120_000;
const stopMs = 30_000;

/** The command line of this clone, as a person runs it. */
const cli = join(root, 'packages', 'sdk', 'bin', 'signalbox.mjs');

/** Where processes note what they ran, when coverage is asked for. */
const { NODE_V8_COVERAGE } = process.env;
const inherited = { PATH: process.env['PATH'], ...(NODE_V8_COVERAGE && { NODE_V8_COVERAGE }) };

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

interface NotedProcess {
  name: string;
  pid: number;
  command: string;
}

/** Everything that `npm start` starts, in a data folder and on a port of its own. */
export class StackUnderTest implements AsyncDisposable {
  /** What the launcher has said. */
  output = '';
  private child: ChildProcess | null = null;

  private constructor(
    readonly data: string,
    readonly port: number,
    /** What the launcher sees beside the path; may be changed before a start. */
    readonly env: Record<string, string>,
    /** The clone whose services run: another one has another version. */
    private readonly clone: string,
  ) {}

  static async create(env: Record<string, string> = {}, clone = root): Promise<StackUnderTest> {
    const data = await mkdtemp(join(tmpdir(), 'signalbox-e2e-'));
    await chmod(data, 0o755);
    return new StackUnderTest(join(data, 'data'), await freePort(), env, clone);
  }

  /** Starts and waits until it is ready; resolves with how long that took, in milliseconds. */
  async start(...options: string[]): Promise<number> {
    const from = performance.now();
    this.output = '';
    this.child = spawn(process.execPath, [...this.launcher, '--data', this.data, '--port', String(this.port), ...options], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inherited, HOME: process.env['HOME'], ...this.env },
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    await this.says(/Signalbox is ready at (\S+)/);
    return performance.now() - from;
  }

  /** Services of another version are started by our launcher: what it says and writes is what is looked at here. */
  private get launcher(): string[] {
    return this.clone === root ? [join(root, 'scripts', 'start.mjs')] : [join(root, 'e2e', 'faults', 'start-version.mjs'), this.clone];
  }

  async says(pattern: RegExp, withinMs = readyMs): Promise<RegExpExecArray> {
    for (const end = performance.now() + withinMs; performance.now() < end; await sleep(20)) {
      const found = pattern.exec(this.output);
      if (found) return found;
      if (this.child?.exitCode !== null) break;
    }
    throw new Error(`it did not say ${pattern}; it said:\n${this.output}`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async adminKey(): Promise<string> {
    return (await readFile(join(this.data, 'admin.key'), 'utf8')).trim();
  }

  async client(): Promise<SignalboxClient> {
    return new SignalboxClient({ url: this.url, apiKey: await this.adminKey() });
  }

  /** A REST request without the client's retries: what anybody would get. */
  async rest(
    method: string,
    path: string,
    options: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; headers: Headers; body: unknown }> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${options.key ?? (await this.adminKey())}`,
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
    };
  }

  /** Runs `signalbox …` against this stack. */
  async cli(...args: string[]): Promise<Ended> {
    return this.signalbox(args, { SIGNALBOX_URL: this.url, SIGNALBOX_API_KEY: await this.adminKey() });
  }

  /** Runs `signalbox …` on this stack's data folder and servers, whether it runs or not. */
  operate(...args: string[]): Promise<Ended> {
    return this.signalbox(args, { ...this.env, SIGNALBOX_DATA: this.data });
  }

  private async signalbox(args: readonly string[], env: Record<string, string>): Promise<Ended> {
    const child = spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env } });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, out, err };
  }

  /** Runs `signalbox <command> -f FILE --yes` on a manifest. */
  async cliWith(command: string, manifest: string): Promise<{ code: number | null; out: string; err: string; ms: number }> {
    const file = join(this.data, `${crypto.randomUUID()}.yaml`);
    await writeFile(file, manifest);
    const since = performance.now();
    return { ...(await this.cli(command, '-f', file, '--yes')), ms: performance.now() - since };
  }

  /** Begins with the secrets of another stack's data folder. */
  async adopt(data: string): Promise<void> {
    for (const name of ['version.json', 'passwords.json', 'admin.key', 'security'])
      await cp(join(data, name), join(this.data, name), { recursive: true });
  }

  /** Loads the example and brings its agents up. */
  async loadExample(): Promise<void> {
    for (const args of [
      ['apply', '-f', 'examples/repository-report', '--yes'],
      ['deploy', 'repository-report', '--yes', '--follow'],
    ]) {
      const { code, out, err } = await this.cli(...args);
      if (code !== 0) throw new Error(`signalbox ${args.join(' ')} ended with ${code}:\n${out}${err}`);
    }
  }

  /** The stack's own PostgreSQL by a role of a service's, or as `superuser`: what an operator could do, and no service. */
  async databaseUrl(role: string): Promise<string> {
    const { superuser: own, roles } = JSON.parse(await readFile(join(this.data, 'passwords.json'), 'utf8')) as {
      superuser: string;
      roles: Record<string, string>;
    };
    const [user, password] = role === 'superuser' ? [superuser, own] : [role, roles[role]];
    return `postgres://${user}:${password}@127.0.0.1:${await this.postgresPort()}/${databaseName}`;
  }

  /** The port is in the command line that the launcher noted. */
  private async postgresPort(): Promise<string> {
    const noted = JSON.parse(await readFile(join(this.data, 'processes.json'), 'utf8')) as NotedProcess[];
    const port = /port=(\d+)/.exec(noted.find(({ name }) => name === 'PostgreSQL')?.command ?? '')?.[1];
    if (port === undefined) throw new Error('the stack has no PostgreSQL of its own');
    return port;
  }

  /** Pids of what the launcher started, by name: the services, `PostgreSQL`, `NATS`. */
  async processes(): Promise<Map<string, number>> {
    const noted = JSON.parse(await readFile(join(this.data, 'processes.json'), 'utf8')) as NotedProcess[];
    return new Map(noted.map(({ name, pid }) => [name, pid]));
  }

  /** Ends one of them as a crash would. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = (await this.processes()).get(name);
    if (pid === undefined) throw new Error(`no process is called ${name}: ${[...(await this.processes()).keys()].join(', ')}`);
    process.kill(pid, signal);
  }

  /** The plug is pulled: the launcher and all that it started, at once. */
  async killAll(): Promise<void> {
    const pids = [this.child!.pid!, ...(await this.processes()).values()];
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended with its parent
      }
    }
    await this.ended();
  }

  /** Waits until all services say that they are up. */
  async allUp(withinMs = 30_000): Promise<void> {
    const client = await this.client();
    const end = performance.now() + withinMs;
    for (;;) {
      const services = await client.system.services().catch(() => []);
      if (services.length === 7 && services.every(({ status }) => status === 'up')) return;
      if (performance.now() > end) throw new Error(`not all services are up: ${JSON.stringify(services)}`);
      await sleep(100);
    }
  }

  /** Ctrl-C; resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.child!.kill(signal);
    return this.ended();
  }

  private async ended(): Promise<number | null> {
    const child = this.child!;
    if (child.exitCode === null && child.signalCode === null) {
      await Promise.race([
        new Promise((resolve) => child.once('close', resolve)),
        sleep(stopMs, undefined, { ref: false }).then(() => {
          throw new Error(`it did not end within ${stopMs} ms; it said:\n${this.output}`);
        }),
      ]);
    }
    return child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) await this.stop();
    await rm(join(this.data, '..'), { recursive: true, force: true });
  }
}

/** Waits until `isTrue` is; fails with `what` after `withinMs`. */
export async function until(what: string, isTrue: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(50)) if (await isTrue()) return;
  throw new Error(`${what}: not within ${withinMs} ms`);
}

/** A client without an answer asks again. */
export async function insist<T>(ask: () => Promise<T>, withinMs = 120_000): Promise<T> {
  for (const end = performance.now() + withinMs; ; await sleep(100)) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}
