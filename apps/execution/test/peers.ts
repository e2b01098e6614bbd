import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptTask } from '@signalbox/shared/contracts/execution/accept-task.js';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { beatWork } from '@signalbox/shared/contracts/execution/beat-work.js';
import { completeTask } from '@signalbox/shared/contracts/execution/complete-task.js';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { getRun, type GetRunReply } from '@signalbox/shared/contracts/execution/get-run.js';
import { leaseTasks, type LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { startRun, type StartRunReply, type StartRunRequest } from '@signalbox/shared/contracts/execution/start-run.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { cancelTasks } from '@signalbox/shared/contracts/protocol/cancel-tasks.js';
import { getTaskStatus } from '@signalbox/shared/contracts/protocol/get-task-status.js';
import { startTask, type StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import type { AgentStatus, BreakerState } from '@signalbox/shared/contracts/registry/agent.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { resolveAgent, type AgentRoute } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { startService } from '@signalbox/testkit/start-service.js';

/** Agents that the test's registry knows. */
export interface TestAgent {
  kind: 'worker' | 'http' | 'llm' | 'mcp';
  concurrency?: number;
  skills?: string[];
  /** What answers of all of them must look like. */
  outputSchema?: Record<string, unknown>;
  /** The same by version. */
  outputSchemas?: Record<number, Record<string, unknown>>;
  /** Instances of a worker that beat. */
  live?: number;
  breaker?: BreakerState;
  status?: AgentStatus;
  /** Instances that are isolated, and on trial. */
  isolated?: string[];
  trial?: string[];
  /** Of a version that is rolled out. */
  route?: AgentRoute;
}

/** `execution` on real servers, with the registry and `protocol` answered by the test. */
export async function startExecution(
  agents: Record<string, TestAgent>,
  options: Partial<Parameters<typeof startService>[1]> = {},
): Promise<ServiceUnderTest> {
  return startService(async () => (await import('../src/execution.module.ts')).ExecutionModule, {
    service: 'execution',
    ...options,
    before: async (peers) => {
      await peers.answer(resolveAgent, ({ name, version = 1 }) => {
        const agent = agents[name];
        if (!agent) throw new Fault('not_found', `there is no agent ${name}`, 'Apply it.');
        const outputSchema = agent.outputSchemas?.[version] ?? agent.outputSchema;
        return {
          id: newId('agent'),
          name,
          kind: agent.kind,
          version,
          hash: `sha256:${'0'.repeat(64)}`,
          spec: {},
          skills: (agent.skills ?? []).map((skill) => ({
            name: skill,
            description: '',
            ...(outputSchema && { outputSchema }),
          })),
          ...(agent.concurrency !== undefined && { concurrency: agent.concurrency }),
          status: agent.status ?? ('healthy' as const),
          ...(agent.isolated && { isolated: agent.isolated }),
          ...(agent.trial && { trial: agent.trial }),
          ...(agent.route && { route: agent.route }),
          ...(agent.breaker !== undefined && { breaker: agent.breaker }),
          instances: Array.from({ length: agent.live ?? 0 }, (_, index) => ({
            instance: `i-${index}`,
            status: 'live' as const,
            capacity: 1,
            inFlight: 0,
          })),
        };
      });
      await peers.answer(listAgents, () => ({
        data: Object.entries(agents).map(([name, { kind, skills = [], live = 0, breaker, status = 'healthy' }]) => ({
          id: newId('agent'),
          name,
          kind,
          description: '',
          labels: {},
          status,
          ...(breaker !== undefined && { breaker }),
          version: 1,
          hash: `sha256:${'0'.repeat(64)}`,
          skills: skills.map((skill) => ({ name: skill, description: '' })),
          instances: { live, capacity: live, inFlight: 0 },
          createdAt: '2026-01-01T00:00:00.000Z',
          updatedAt: '2026-01-01T00:00:00.000Z',
        })),
        nextCursor: null,
      }));
      await options.before?.(peers);
    },
  });
}

/** A manifest of a workflow with these steps. */
export function workflow(name: string, steps: Record<string, object>, rest: object = {}): Record<string, unknown> {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps, ...rest } };
}

/** Applies a workflow. */
export async function apply(
  service: ServiceUnderTest,
  name: string,
  steps: Record<string, object>,
  rest: object = {},
  as?: { workspace: string },
): Promise<void> {
  await service.request(applyWorkflow, { name, manifest: workflow(name, steps, rest) }, as && { as });
}

/** Starts a run, once the owner of runs is there. */
export async function start(service: ServiceUnderTest, request: StartRunRequest, as?: { workspace: string }): Promise<StartRunReply> {
  return insist(() => service.request(startRun, request, as && { as }));
}

/** Tries until it is not `unavailable`. */
export async function insist<T>(work: () => Promise<T>, timeoutMs = 40_000): Promise<T> {
  for (const until = performance.now() + timeoutMs; ; await sleep(50)) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof Fault) || !['unavailable', 'timeout'].includes(thrown.code) || performance.now() > until) throw thrown;
    }
  }
}

/** Waits until a run is as it should be. */
export async function until(
  service: ServiceUnderTest,
  run: string,
  is: (run: GetRunReply) => boolean,
  timeoutMs = 20_000,
  as?: { workspace: string },
): Promise<GetRunReply> {
  let last: GetRunReply | undefined;
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(20)) {
    last = await insist(() => service.request(getRun, { run }, as && { as }));
    if (is(last)) return last;
  }
  throw new Error(`the run is not as expected in time: ${JSON.stringify(last, null, 1)}`);
}

export async function ended(service: ServiceUnderTest, run: string, timeoutMs?: number, as?: { workspace: string }): Promise<GetRunReply> {
  return until(service, run, ({ status }) => ['succeeded', 'failed', 'cancelled'].includes(status), timeoutMs, as);
}

type Work = (task: LeasedTask) => Promise<TaskResult> | TaskResult;

/** A worker over the contracts that the gateway's door speaks. */
export class TestWorker {
  readonly instance = `w-${randomUUID().slice(0, 8)}`;
  readonly done: LeasedTask[] = [];
  private isStopped = false;
  private readonly taken = new Set<string>();
  private readonly holding = new Set<string>();
  private readonly beats: NodeJS.Timeout;
  private readonly loop: Promise<void>;

  constructor(
    private readonly service: ServiceUnderTest,
    private readonly agent: string,
    private readonly work: Work,
    private readonly credit = 8,
    /** The version of the agent that it says it runs. */
    private readonly version?: number,
  ) {
    this.beats = setInterval(() => void this.beat(), 1_000);
    this.loop = this.run();
  }

  private get as(): { principal: string; name: string; roles: ['agent'] } {
    return { principal: `agent_${this.agent}`, name: this.agent, roles: ['agent'] };
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        const { tasks } = await this.service.request(
          leaseTasks,
          {
            ...{ agent: this.agent, instance: this.instance, credit: this.credit, waitMs: 500 },
            ...(this.version !== undefined && { version: this.version }),
          },
          { as: this.as, timeoutMs: 2_500 },
        );
        for (const task of tasks) void this.perform(task);
      } catch {
        await sleep(50);
      }
    }
  }

  private async perform(task: LeasedTask): Promise<void> {
    // Offered once more while its first word is on its way.
    if (this.taken.has(task.task)) return;
    this.taken.add(task.task);
    const options = { as: this.as, shard: shardOfTask(task.task) };
    try {
      if (!task.isAccepted)
        await insist(() => this.service.request(acceptWork, { task: task.task, instance: this.instance }, options), 2_000);
      this.holding.add(task.task);
      const result = await this.work(task);
      if (this.isStopped) return;
      await insist(() => this.service.request(completeWork, { task: task.task, instance: this.instance, ...result }, options));
      this.done.push(task);
    } catch {
      // Refused: it is another's, or nobody wants it any more.
    } finally {
      this.holding.delete(task.task);
      this.taken.delete(task.task);
    }
  }

  private async beat(): Promise<void> {
    for (const task of this.holding) {
      await this.service
        .request(beatWork, { instance: this.instance, tasks: [task] }, { as: this.as, shard: shardOfTask(task) })
        .catch(() => undefined);
    }
  }

  /** Tells what it is at. */
  async say(task: LeasedTask, message: string, partial?: unknown): Promise<void> {
    const said = { instance: this.instance, tasks: [task.task], message, ...(partial !== undefined && { partial }) };
    await this.service.request(beatWork, said, { as: this.as, shard: shardOfTask(task.task) });
  }

  /** Ends it as a crash would: nothing more is heard of its tasks. */
  kill(): void {
    this.isStopped = true;
    clearInterval(this.beats);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.loop;
  }
}

/** Answers in the place of `protocol`: accepts, works and completes as it does. */
export async function answerAsProtocol(
  service: ServiceUnderTest,
  work: (task: StartTaskRequest) => Promise<TaskResult> | TaskResult,
): Promise<void> {
  const running = new Set<string>();
  await service.answer(startTask, (request) => {
    if (!running.has(request.task)) {
      running.add(request.task);
      void perform(request);
    }
    return { instance: 'protocol-test' };
  });
  await service.answer(getTaskStatus, ({ tasks }) => ({ instance: 'protocol-test', running: tasks.filter((task) => running.has(task)) }));
  await service.answer(cancelTasks, ({ tasks }) => ({ stopped: tasks.filter((task) => running.delete(task)) }));
  const perform = async (request: StartTaskRequest): Promise<void> => {
    const { task } = request;
    const options = { as: 'protocol' as const, shard: shardOfTask(task) };
    try {
      await service.request(acceptTask, { task, instance: 'protocol-test' }, options);
      const result = await work(request);
      await insist(() => service.request(completeTask, { task, ...result }, options));
    } catch {
      // Refused: nobody wants it any more.
    } finally {
      running.delete(task);
    }
  };
}
