import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ApiError } from '../client/api-error.ts';
import { SignalboxClient } from '../client/client.ts';
import { backoffMs, sleep } from '../client/transport.ts';
import { connect } from './connection.ts';
import type { Connection } from './connection.ts';
import type { FromGateway, ToGateway } from './protocol.ts';
import { checkOf } from './schema-check.ts';
import type { WorkerSkill } from './skill.ts';
import { TaskBook } from './task-book.ts';
import type { ReadySkill } from './task-run.ts';

/** What a worker is made of. */
export interface WorkerOptions {
  /** The agent whose tasks it does. */
  agent: string;
  skills: Record<string, WorkerSkill>;
  /** Tasks at a time. Default 1. */
  concurrency?: number | undefined;
  /** The gateway. Default: the environment's SIGNALBOX_URL. */
  url?: string | undefined;
  /** Default: the environment's SIGNALBOX_API_KEY. */
  apiKey?: string | undefined;
  /** The name of this process among the agent's instances. Default: SIGNALBOX_INSTANCE, which a runner sets, else host, process and chance. */
  instance?: string | undefined;
  /** The version of the agent that this process runs. Default: SIGNALBOX_AGENT_VERSION, which a runner sets; without it, it is taken to run the current one. */
  version?: number | undefined;
  /** How long `stop` waits for running tasks before it aborts them, milliseconds. Default: SIGNALBOX_DRAIN_MS, which a runner sets that scales; else 5,000: runners kill after little more. */
  drainMs?: number | undefined;
  /** The pause before the first reconnect and the longest one, milliseconds. */
  reconnect?: { firstMs: number; maxMs: number } | undefined;
  /** Where it says what happens. Default: one line each on standard error. */
  log?: ((sentence: string, fields: LogFields) => void) | undefined;
}

export type LogFields = Record<string, string | number | undefined>;

/** A handle on a running worker. */
export interface Worker {
  readonly instance: string;
  /** Works until `stop` or SIGTERM or SIGINT. Rejects when the gateway refuses the key or the agent. */
  run(): Promise<void>;
  /** Takes no new tasks, finishes those that run, delivers their results, and ends. */
  stop(): Promise<void>;
}

/** After aborting what still ran at the end of the drain there is this long to deliver the outcomes. */
const lastWordMs = 500;
/** Before the welcome these mean that key and agent do not fit: no later try can succeed. */
const refusals: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden', 'not_found', 'invalid']);
/** Until the gateway says its own. */
const heartbeatDefaultMs = 5_000;

/**
 * Makes a worker: a process that dials the gateway and does an agent's tasks.
 *
 * @example
 * await worker({
 *   agent: 'greeter',
 *   skills: { greet: { run: (input: { name: string }) => ({ text: `Good day, ${input.name}.` }) } },
 * }).run();
 */
export function worker(options: WorkerOptions): Worker {
  return new DialingWorker(options);
}

class DialingWorker implements Worker {
  readonly instance: string;
  readonly #options: WorkerOptions;
  readonly #url: string;
  readonly #apiKey: string | undefined;
  readonly #capacity: number;
  readonly #version: number | undefined;
  readonly #book: TaskBook;
  readonly #log: NonNullable<WorkerOptions['log']>;
  readonly #ended = new AbortController();
  #connection: Connection | null = null;
  #welcome: ((heartbeatMs: number) => void) | null = null;
  /** What the gateway said before it closed the connection. */
  #complaint: ApiError | null = null;
  #draining: Promise<void> | null = null;

  constructor(options: WorkerOptions) {
    const url = options.url ?? process.env['SIGNALBOX_URL'];
    if (url === undefined) throw new TypeError('no address of Signalbox: set SIGNALBOX_URL or give url');
    this.#options = options;
    this.#url = url;
    this.#apiKey = options.apiKey ?? process.env['SIGNALBOX_API_KEY'];
    this.#capacity = options.concurrency ?? 1;
    this.#version = options.version ?? versionIn(process.env['SIGNALBOX_AGENT_VERSION']);
    this.#log = options.log ?? logLine;
    this.instance = options.instance ?? process.env['SIGNALBOX_INSTANCE'] ?? instanceName();
    const skills = new Map<string, ReadySkill>();
    for (const [name, skill] of Object.entries(options.skills)) {
      const checkInput = checkOf(skill.input, `the input schema of ${name}`);
      skills.set(name, { name, skill, checkInput, checkOutput: checkOf(skill.output, `the output schema of ${name}`) });
    }
    this.#book = new TaskBook(skills, new SignalboxClient({ url, apiKey: this.#apiKey }), (message) => this.#send(message));
  }

  async run(): Promise<void> {
    const onSignal = (): void => void this.stop();
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    try {
      await this.#connectAgainAndAgain();
    } finally {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      this.#book.abortAll('the worker has ended');
    }
  }

  stop(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #connectAgainAndAgain(): Promise<void> {
    const { firstMs, maxMs } = this.#options.reconnect ?? { firstMs: 250, maxMs: 10_000 };
    for (let attempt = 0; !this.#ended.signal.aborted; attempt++) {
      let waitMs: number | undefined;
      try {
        if (await this.#session()) attempt = 0;
      } catch (error) {
        // The key is wrong or the agent is not its own: asking again cannot help, and a runner should see it.
        if (error instanceof ApiError && (refusals.has(error.code) || [400, 401, 403, 404].includes(error.status))) throw error;
        if (error instanceof ApiError) waitMs = error.retryAfterMs;
        this.#log('cannot connect', { because: (error as Error).message });
      }
      await sleep(waitMs ?? backoffMs(attempt, firstMs, maxMs), this.#ended.signal).catch(() => undefined);
    }
  }

  /** One connection from dial to close. True when the gateway welcomed it. */
  async #session(): Promise<boolean> {
    const connection = await connect(this.#url, this.#apiKey, (message) => this.#hear(message));
    if (this.#ended.signal.aborted) connection.close();
    this.#connection = connection;
    let isWelcome = false;
    let beating: NodeJS.Timeout | undefined;
    this.#welcome = (heartbeatMs) => {
      isWelcome = true;
      clearInterval(beating);
      beating = setInterval(() => this.#beat(), heartbeatMs);
      this.#log('connected', { agent: this.#options.agent, instance: this.instance });
      this.#book.announce();
      if (this.#draining) this.#send({ type: 'drain' });
    };
    const skills = Object.entries(this.#options.skills).map(([name, { description, input, output }]) => ({
      name,
      description: description ?? '',
      ...(input !== undefined && { inputSchema: input }),
      ...(output !== undefined && { outputSchema: output }),
    }));
    const { agent } = this.#options;
    const capacity = this.#draining ? 0 : this.#capacity;
    this.#send({
      type: 'hello',
      agent,
      instance: this.instance,
      capacity,
      skills,
      ...(this.#version !== undefined && { version: this.#version }),
    });
    this.#complaint = null;
    const because = await connection.closed;
    clearInterval(beating);
    this.#connection = null;
    this.#welcome = null;
    if (!this.#ended.signal.aborted) this.#log('the connection is lost', { because });
    const complaint = this.#complaint as ApiError | null;
    if (!isWelcome && complaint) throw complaint;
    return isWelcome;
  }

  #hear(message: FromGateway): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcome?.(message.heartbeatMs > 0 ? message.heartbeatMs : heartbeatDefaultMs);
      case 'task':
        // Not accepted, it goes to another instance at once; a failure would cost the step one of its attempts.
        if (!this.#draining) this.#book.offered(message);
        return;
      case 'start':
        return this.#book.started(message.task);
      case 'completed':
        return this.#book.completed(message.task);
      case 'cancel':
        return this.#book.cancelled(message.task, message.reason);
      case 'refused':
        if (message.task !== undefined) this.#book.refused(message.task);
        this.#log('the gateway refused', { task: message.task, because: message.detail });
        return;
      case 'error':
        this.#complaint = new ApiError(0, {
          code: message.code ?? 'internal',
          detail: message.detail ?? 'no reason',
          next: message.next ?? '',
        });
        this.#log('the gateway reports an error', { code: message.code, because: message.detail, next: message.next });
        return;
      default:
        // `drain` from the gateway: it goes away soon and offers nothing more; the next connection reaches another.
        return;
    }
  }

  #beat(): void {
    if (this.#connection && !this.#connection.probe()) {
      this.#log('the gateway is silent', {});
      this.#connection.close();
      return;
    }
    this.#send({ type: 'beat', tasks: this.#book.tasks() });
    this.#book.deliver();
  }

  /** What cannot be sent now is sent again after the next welcome. */
  #send(message: ToGateway): void {
    this.#connection?.send(message);
  }

  async #drain(): Promise<void> {
    this.#log('stopping', { tasks: this.#book.tasks().length });
    this.#send({ type: 'drain' });
    if (!(await this.#book.emptied(this.#options.drainMs ?? drainIn(process.env['SIGNALBOX_DRAIN_MS'])))) {
      this.#book.abortAll('the worker is stopping');
      await this.#book.emptied(lastWordMs);
    }
    this.#ended.abort();
    this.#connection?.close();
  }
}

/** At most 64 characters of the set that instances' names are made of. */
function instanceName(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${host.slice(0, 40) || 'host'}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** Milliseconds, as a runner sets them; what is none of them is as good as nothing: a worker that ends is no time to refuse. */
function drainIn(text: string | undefined): number {
  const ms = Number(text);
  return text === undefined || text === '' || !Number.isSafeInteger(ms) || ms < 0 ? 5_000 : ms;
}

/** A whole number from 1 on, as a runner sets it. */
function versionIn(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const version = Number(text);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`SIGNALBOX_AGENT_VERSION must be a version as 3, not ${text.slice(0, 40)}`);
  return version;
}

function logLine(sentence: string, fields: LogFields): void {
  const detail = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  process.stderr.write(`${new Date().toISOString()} worker: ${[sentence, ...detail].join(' ')}\n`);
}
