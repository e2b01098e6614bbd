import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StackUnderTest } from '../stack-under-test.ts';

export type Mode = 'well' | 'errors' | 'slow' | 'garbage';

/** One instance of an agent, a process of its own. */
export class Member {
  /** When each task that it was to do badly had ended, in milliseconds since the epoch. */
  readonly bad: number[] = [];

  constructor(
    readonly agent: string,
    readonly instance: string,
    readonly child: ChildProcess,
  ) {
    child.on('message', (at) => void this.bad.push(at as number));
  }

  do(mode: Mode): void {
    if (this.child.connected) this.child.send(mode);
  }
}

/** The instances of some agents. One that was killed is followed by another under a new name, as an orchestrator would have it. */
export class Fleet {
  readonly members = new Set<Member>();
  private isEnding = false;
  private count = 0;

  private constructor(private readonly env: Record<string, string>) {}

  static async start(stack: StackUnderTest, agents: readonly string[], each: number): Promise<Fleet> {
    const fleet = new Fleet({ SIGNALBOX_URL: stack.url, SIGNALBOX_API_KEY: await stack.adminKey() });
    for (const agent of agents) for (let number = 0; number < each; number++) fleet.add(agent);
    return fleet;
  }

  async end(): Promise<void> {
    this.isEnding = true;
    for (const { child } of this.members) child.kill('SIGKILL');
    while (this.members.size > 0) await sleep(20);
  }

  private add(agent: string): void {
    const instance = `${agent}-${++this.count}`;
    const child = spawn(process.execPath, [fileURLToPath(new URL('faulty-worker.mjs', import.meta.url))], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, ...this.env, DRILL_AGENT: agent, DRILL_INSTANCE: instance },
    });
    const member = new Member(agent, instance, child);
    this.members.add(member);
    child.once('exit', () => {
      this.members.delete(member);
      if (!this.isEnding) this.add(agent);
    });
  }
}
