import 'reflect-metadata';
import { join } from 'node:path';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { endingRunEvents, runProgressed, type RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { IdentityBroker } from '@signalbox/shared/identity/identity-broker.js';
import { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { worker, type Worker } from '@signalbox/sdk/worker/worker.js';
import { ScriptedModel } from '@signalbox/testkit/model/scripted-model.js';
import { RunningStack } from '../stack/running-stack.ts';

/** More than any row opens. */
const streamsMax = 2_000;

/** The whole stack, a worker that dials it as any other does, a model that answers at once, and this process as who starts runs. */
export class DoorsUnderBench implements AsyncDisposable {
  /** Has the skill `say`, which gives back what it gets, and `hold`, which does so when `held` has resolved. */
  static readonly agent = 'echo';
  static readonly model = 'scripted-1';

  held: Promise<void> = Promise.resolve();
  private readonly worker: Worker;
  private readonly working: Promise<void>;
  private readonly ends = new Map<string, () => void>();

  private constructor(
    private readonly stack: RunningStack,
    readonly model: ScriptedModel,
    readonly apiKey: string,
    readonly client: SignalboxClient,
    private readonly bus: Bus,
    private readonly caller: Caller,
  ) {
    this.worker = worker({
      agent: DoorsUnderBench.agent,
      url: this.url,
      apiKey,
      concurrency: 64,
      skills: { say: { run: (input: unknown) => input }, hold: { run: (input: unknown) => this.held.then(() => input) } },
      log: () => undefined,
    });
    this.working = this.worker.run();
    bus.connection.subscribe(runProgressed.subject, {
      callback: (error, message) => {
        if (error) throw error;
        const { payload } = message.json<EventEnvelope & { payload: RunEventView }>();
        if (!endingRunEvents.includes(payload.type)) return;
        if (payload.type !== 'run.succeeded') throw new Error(`a run ended with ${payload.type}`);
        this.ends.get(payload.run)?.();
        this.ends.set(payload.run, () => undefined);
      },
    });
  }

  static async open(): Promise<DoorsUnderBench> {
    const model = await ScriptedModel.start({ models: [DoorsUnderBench.model] });
    const stack = await RunningStack.create({
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_API_KEY: 'sk-bench',
      STREAMS_MAX: String(streamsMax),
    });
    await stack.start();
    const apiKey = await stack.key();
    const client = new SignalboxClient({ url: stack.url, apiKey });
    const skills = ['say', 'hold'].map((name) => ({ name, description: 'Gives back what it gets.' }));
    const metadata = { name: DoorsUnderBench.agent };
    await client.agents.apply({ apiVersion: 'signalbox.dev/v1', kind: 'Agent', metadata, spec: { kind: 'worker', skills } });
    const natsCreds = join(stack.data, 'creds', 'api-gateway.creds');
    const bus = new Bus('api-gateway', await connectBus({ natsUrl: await stack.natsUrl(), natsCreds, name: 'api-gateway' }));
    bus.broker = new IdentityBroker(bus);
    const { caller } = await bus.broker.callerOfCredential('key', apiKey);
    return new DoorsUnderBench(stack, model, apiKey, client, bus, caller);
  }

  get url(): string {
    return this.stack.url;
  }

  async apply(name: string, steps: Record<string, object>): Promise<void> {
    await this.client.workflows.apply({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps } });
  }

  /** Starts a run over the bus. `ended` resolves when the bus says so. */
  async start(workflow: string): Promise<{ id: string; ended: Promise<void> }> {
    const { id } = await this.bus.request(startRun, { workflow }, this.caller);
    // It may have ended before its start was acknowledged.
    const ended = this.ends.has(id) ? Promise.resolve() : new Promise<void>((resolve) => this.ends.set(id, resolve));
    return { id, ended };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.stop();
    await this.working;
    await this.bus.connection.close();
    await this.stack[Symbol.asyncDispose]();
    await this.model[Symbol.asyncDispose]();
  }
}
