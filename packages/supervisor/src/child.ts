import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkSpec, SupervisorError, type ChildSpec } from './child-spec.ts';
import { contain, type ChildLimits } from './containment/contain.ts';
import type { ContainmentLevel } from './containment/levels.ts';
import { findProgram, hostTools, type ContainmentTools } from './containment/tools.ts';
import { LineRing, lineRingDefaults } from './line-ring.ts';
import { limitsWatch } from './limits-watch.ts';
import { guardian } from './process/guardian.ts';
import { exists, listProcesses, markedProcesses, sendSignal, treeOf } from './process/process-table.ts';

/** How a child ended. */
export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why we ended it ourselves; null when it did so. */
  because: string | null;
}

export interface StopOptions {
  /** From the end of its input to SIGTERM: a server that reads its input needs no more. */
  inputMs?: number;
  /** From SIGTERM to SIGKILL. */
  graceMs?: number;
  /** Said as the reason of the end. */
  because?: string;
}

export interface StartOptions {
  onStderrLine?: (line: string) => void;
  /** For tests: other tools than the host's. */
  tools?: ContainmentTools;
}

const inputMsDefault = 500;
const graceMsDefault = 2_500;
/** The last survivors are hunted no longer: with the graces above, a tree is gone within 5 s. */
const sweepMs = 1_500;
const sweepEveryMs = 25;
const drainMs = 2_000;
/** Wrappers are not told to end: they would take what they wrap along at once. */
const wrapperNames = new Set(['bwrap', 'unshare']);

/** A running child process. */
export class Child {
  readonly stderr: LineRing;
  /** Settles when the child and everything below it is gone. */
  readonly exited: Promise<ChildExit>;
  private stopping: Promise<ChildExit> | null = null;
  private because: string | null = null;
  private hasExited = false;

  constructor(
    private readonly process: ChildProcessByStdio<Writable, Readable, Readable>,
    readonly containment: ContainmentLevel,
    private readonly isNamespaced: boolean,
    private readonly marker: string,
    limits: ChildLimits | null,
    options: StartOptions,
  ) {
    this.stderr = new LineRing({ ...lineRingDefaults, onLine: options.onStderrLine });
    this.stderr.follow(process.stderr);
    process.stdin.on('error', () => undefined); // the child closed its input; its exit says the rest
    guardian.add(this.pid);
    if (limits) limitsWatch.add(this.pid, limits, (reason) => void this.kill(reason));
    this.exited = this.settle();
  }

  get pid(): number {
    return this.process.pid!;
  }

  get stdin(): Writable {
    return this.process.stdin;
  }

  get stdout(): Readable {
    return this.process.stdout;
  }

  get isRunning(): boolean {
    return !this.hasExited;
  }

  private async settle(): Promise<ChildExit> {
    const [code, signal] = (await once(this.process, 'exit')) as [number | null, NodeJS.Signals | null];
    this.hasExited = true;
    limitsWatch.remove(this.pid);
    await this.sweep();
    guardian.remove(this.pid);
    // What it wrote last is still to be read; whoever holds the pipes open later is none of ours.
    setTimeout(() => {
      this.process.stdout.destroy();
      this.process.stderr.destroy();
    }, drainMs).unref();
    return { code, signal, because: this.because };
  }

  /** Ends the child in order: its input is closed, then SIGTERM, then SIGKILL, for the whole tree. Settles when nothing is left of it. */
  stop({ inputMs = inputMsDefault, graceMs = graceMsDefault, because }: StopOptions = {}): Promise<ChildExit> {
    this.stopping ??= (async () => {
      this.because ??= because ?? 'it was stopped';
      if (!this.hasExited) this.process.stdin.end();
      if (await this.endsWithin(inputMs)) return await this.exited;
      await this.terminate();
      if (await this.endsWithin(graceMs)) return await this.exited;
      await this.killTree();
      return await this.exited;
    })();
    return this.stopping;
  }

  /** Ends the whole tree at once. */
  async kill(because: string): Promise<ChildExit> {
    this.because ??= because;
    if (!this.hasExited) await this.killTree();
    return await this.exited;
  }

  private async endsWithin(ms: number): Promise<boolean> {
    const ac = new AbortController();
    const hasEnded =
      this.hasExited || (await Promise.race([once(this.process, 'exit').then(() => true), sleep(ms, false, { signal: ac.signal })]));
    ac.abort();
    return hasEnded;
  }

  private async terminate(): Promise<void> {
    if (!this.isNamespaced) {
      sendSignal(-this.pid, 'SIGTERM');
      return;
    }
    for (const { pid, name } of treeOf(this.pid, await listProcesses())) if (!wrapperNames.has(name)) sendSignal(pid, 'SIGTERM');
  }

  /** What is below is looked up first: once the parent is dead, nothing tells whose it was. */
  private async killTree(): Promise<void> {
    const tree = treeOf(this.pid, await listProcesses());
    sendSignal(-this.pid, 'SIGKILL');
    for (const { pid } of tree) sendSignal(pid, 'SIGKILL');
  }

  /** After the child's own end: whoever is left of its group, or carries its mark after a double fork. */
  private async sweep(): Promise<void> {
    const deadline = performance.now() + sweepMs;
    for (;;) {
      sendSignal(-this.pid, 'SIGKILL');
      const strays = this.isNamespaced ? [] : markedProcesses(this.marker);
      for (const pid of strays) sendSignal(pid, 'SIGKILL');
      if ((strays.length === 0 && !exists(-this.pid)) || performance.now() > deadline) return;
      await sleep(sweepEveryMs);
    }
  }
}

/**
 * Starts a child with exactly the given command, folder and environment, without a shell, in a process group of its own that ends when we do.
 * Rejects with a SupervisorError that says why it cannot be started.
 */
export async function startChild(spec: ChildSpec, options: StartOptions = {}): Promise<Child> {
  checkSpec(spec);
  const [name = '', ...args] = spec.command;
  const program = findProgram(name, spec.env['PATH'] ?? '', spec.cwd);
  if (!program) {
    throw new SupervisorError(
      'not-found',
      `there is no program ${name}${name.includes('/') ? '' : ` on the PATH ${spec.env['PATH'] ?? '(empty)'}`}`,
    );
  }
  const tools = options.tools ?? (spec.containment === undefined ? {} : await hostTools());
  const { argv, level, isNamespaced, limits } = contain(program, args, spec.cwd, spec.containment, tools);
  const marker = `SIGNALBOX_CHILD=${randomUUID()}`;
  const spawned = spawn(argv[0]!, argv.slice(1), {
    cwd: spec.cwd,
    env: { ...spec.env, ...pair(guardian.marker), ...pair(marker) },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a session and process group of its own
    shell: false,
  });
  try {
    await once(spawned, 'spawn'); // rejects with the error of execve
  } catch (cause) {
    throw new SupervisorError('not-found', `${name} cannot be started: ${(cause as Error).message}`, { cause });
  }
  return new Child(spawned, level, isNamespaced, marker, limits, options);
}

function pair(assignment: string): Record<string, string> {
  const at = assignment.indexOf('=');
  return { [assignment.slice(0, at)]: assignment.slice(at + 1) };
}
