import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import type { Failure, Usage } from '@signalbox/shared/contracts/execution/failure.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { invokeAgent, type InvokeAgentRequest } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { runProgressed, type RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { startRun, type StartRunRequest } from '@signalbox/shared/contracts/execution/start-run.js';
import { formatTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { taskDelta } from '@signalbox/shared/contracts/protocol/task-delta.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { TestBus } from '@signalbox/testkit/test-bus.js';

/** A run in the hands of a test. */
export class PlayedRun {
  readonly events: RunEventView[] = [];
  view: RunView;

  constructor(
    private readonly bus: TestBus,
    workflow: string,
    readonly request: InvokeAgentRequest | StartRunRequest,
  ) {
    this.view = {
      id: newId('run'),
      workflow,
      workflowHash: `sha256:${'0'.repeat(64)}`,
      status: 'running',
      reason: null,
      labels: {},
      error: null,
      parent: null,
      startedBy: 'user_ann',
      createdAt: new Date().toISOString(),
      startedAt: null,
      endedAt: null,
      progress: { total: 1, done: 0, running: 1, waiting: 0, failed: 0 },
      usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    };
  }

  /** Says a piece of text, as a model of this run does. */
  say(text: string, offset: number, { turn = 1, attempt = 1 } = {}): void {
    const { id } = this.view;
    const task = formatTask({ run: id, step: 0, index: -1, attempt });
    this.publish(taskDelta.subject, { task, run: id, agent: 'writer', attempt, turn, offset, text });
  }

  succeed(output: unknown, usage: Usage = { inputTokens: 12, outputTokens: 34, costUsd: 0 }): void {
    this.view = { ...this.view, status: 'succeeded', output, usage };
    this.end('run.succeeded');
  }

  fail(error: Failure): void {
    this.view = { ...this.view, status: 'failed', error };
    this.end('run.failed');
  }

  cancel(): void {
    this.view = { ...this.view, status: 'cancelled' };
    this.end('run.cancelled');
  }

  private end(type: RunEventView['type']): void {
    const event: RunEventView = { seq: this.events.length, at: new Date().toISOString(), run: this.view.id, type };
    this.events.push(event);
    this.publish(runProgressed.subject, event);
  }

  private publish(subject: string, payload: object): void {
    const envelope = { id: crypto.randomUUID(), workspace: '', entity: this.view.id, version: 0, at: Date.now(), payload };
    this.bus.connection.publish(subject, JSON.stringify(envelope));
  }
}

/** Stands where `execution` would: starts runs that a test plays. */
export class RunPeer {
  readonly runs: PlayedRun[] = [];
  /** How runs go on from their start; replaced by tests. */
  play: (run: PlayedRun) => void | Promise<void> = (run) => run.succeed({ text: 'done' });

  constructor(private readonly bus: TestBus) {}

  async listen(): Promise<void> {
    await this.bus.answer(invokeAgent, (request) => this.start(`agent/${request.agent}`, request));
    await this.bus.answer(startRun, (request) => {
      if (request.workflow === 'nothing') throw new Fault('not_found', 'there is no workflow nothing', 'List them.');
      return this.start(request.workflow, request);
    });
    await this.bus.answer(getRun, ({ run }) => ({ ...this.find(run).view, steps: [], nextSteps: null }));
    await this.bus.answer(listRunEvents, ({ run, after = -1 }) => {
      const { events, view } = this.find(run);
      return { data: events.filter(({ seq }) => seq > after), hasMore: false, isEnded: view.status !== 'running' };
    });
    await this.bus.answer(cancelRun, ({ run }) => {
      this.find(run).cancel();
      return this.find(run).view;
    });
  }

  private start(workflow: string, request: InvokeAgentRequest | StartRunRequest): RunView {
    const known = this.runs.find((run) => request.idempotencyKey !== undefined && run.request.idempotencyKey === request.idempotencyKey);
    if (known) return known.view;
    const run = new PlayedRun(this.bus, workflow, request);
    this.runs.push(run);
    const { view } = run;
    setTimeout(() => void this.play(run), 5);
    return view;
  }

  private find(id: string): PlayedRun {
    const run = this.runs.find(({ view }) => view.id === id);
    if (!run) throw new Fault('not_found', 'there is no such run', 'Check the identifier.');
    return run;
  }
}
