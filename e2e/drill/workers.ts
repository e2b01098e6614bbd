import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StackUnderTest } from '../stack-under-test.ts';
import type { Chance } from '../cases/chance.ts';

/** Workers as processes of their own: one that is killed is followed by another. */
export class DrillWorkers {
  private readonly children = new Set<ChildProcess>();
  private isEnding = false;

  private constructor(private readonly env: Record<string, string>) {}

  static async start(stack: StackUnderTest, count: number): Promise<DrillWorkers> {
    const workers = new DrillWorkers({ SIGNALBOX_URL: stack.url, SIGNALBOX_API_KEY: await stack.adminKey() });
    for (let number = 0; number < count; number++) workers.add();
    return workers;
  }

  kill(chance: Chance): void {
    chance.of([...this.children]).kill('SIGKILL');
  }

  /** One stands still for a while, and goes on with what it had. */
  async stand(chance: Chance, forMs: number): Promise<void> {
    const child = chance.of([...this.children]);
    child.kill('SIGSTOP');
    await sleep(forMs);
    child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    this.isEnding = true;
    await Promise.all(
      [...this.children].map(
        (child) =>
          new Promise((resolve) => {
            child.once('exit', resolve);
            child.kill('SIGKILL');
          }),
      ),
    );
  }

  private add(): void {
    const child = spawn(process.execPath, [fileURLToPath(new URL('worker.mjs', import.meta.url))], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...this.env },
    });
    this.children.add(child);
    child.once('exit', () => {
      this.children.delete(child);
      if (!this.isEnding) this.add();
    });
  }
}
