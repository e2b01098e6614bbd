import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@signalbox/stack/free-port.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const readyMs = 180_000;

/** `npm start` in a data folder of its own. */
export class RunningStack implements AsyncDisposable {
  private child: ChildProcess | null = null;

  private constructor(
    readonly data: string,
    readonly port: number,
    /** What the launcher sees beside this process's environment. */
    private readonly env: Record<string, string>,
  ) {}

  static async create(env: Record<string, string> = {}): Promise<RunningStack> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
    await chmod(folder, 0o755);
    return new RunningStack(join(folder, 'data'), await freePort(), env);
  }

  /** Milliseconds from the command to the line that says it is ready. */
  async start(): Promise<number> {
    const from = performance.now();
    const args = [join(root, 'scripts', 'start.mjs'), '--data', this.data, '--port', String(this.port), '--no-example'];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...this.env } });
    this.child = child;
    let output = '';
    let readyAt = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (readyAt === 0 && output.includes('Signalbox is ready')) readyAt = performance.now();
    });
    while (readyAt === 0) {
      if (child.exitCode !== null || performance.now() - from > readyMs) throw new Error(`the stack did not start; it said:\n${output}`);
      await sleep(5);
    }
    return readyAt - from;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async key(): Promise<string> {
    return (await readFile(join(this.data, 'admin.key'), 'utf8')).trim();
  }

  /** Runs `signalbox …`; throws with what it said when it fails. */
  async cli(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [join(root, 'packages', 'sdk', 'bin', 'signalbox.mjs'), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], SIGNALBOX_URL: this.url, SIGNALBOX_API_KEY: await this.key() },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`signalbox ${args.join(' ')} ended with ${code}:\n${said}`);
    return said;
  }

  /** NATS's URL, from the file that the server writes. */
  async natsUrl(): Promise<string> {
    const folder = join(this.data, 'nats');
    const file = (await readdir(folder)).find((name) => name.endsWith('.ports'));
    const { nats } = JSON.parse(await readFile(join(folder, file!), 'utf8')) as { nats: string[] };
    return nats[0]!;
  }

  /** Proportional set size of each process by name, in MiB (Linux). */
  async memory(): Promise<Map<string, number>> {
    const noted = JSON.parse(await readFile(join(this.data, 'processes.json'), 'utf8')) as { name: string; pid: number }[];
    const sizes = await Promise.all(
      noted.map(async ({ name, pid }) => {
        const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
        return [name, Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024] as const;
      }),
    );
    return new Map(sizes);
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(join(this.data, '..'), { recursive: true, force: true });
  }
}
