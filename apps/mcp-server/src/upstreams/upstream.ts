import type { Containment, McpServerStatus } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Child } from '@signalbox/supervisor/child.js';
import { afterEnd, noHistory, restartDefaults, type RestartHistory, type RestartPolicy } from '@signalbox/supervisor/restart-policy.js';
import { type CataloguedTool, readCatalogue } from '../catalogue/catalogue.ts';
import { type McpServerSpec, startTimeoutDefaultMs } from '../manifests/manifest.ts';
import { connectProblem, type ConnectProblem, httpStatus, isSessionLost, isTimeout } from './connect-problem.ts';
import { Connection, type ConnectionContext, ExitedEarly } from './connection.ts';

/** What can be seen of a server now. Times in epoch milliseconds. */
export interface UpstreamState {
  status: McpServerStatus;
  reason: string | null;
  containment: Containment | null;
  restarts: number;
  nextAttemptAt: number | null;
  readySince: number | null;
  serverInfo: Record<string, unknown> | null;
}

export interface UpstreamFacts {
  workspace: string;
  id: string;
  name: string;
  spec: McpServerSpec;
  /** The grant by which its secrets are read at its start. */
  bearer: string | null;
  /** The server's own folder. */
  state: string;
  tools: readonly CataloguedTool[];
}

export interface UpstreamListener {
  onState(upstream: Upstream, state: UpstreamState): void;
  onTools(upstream: Upstream, tools: readonly CataloguedTool[]): void;
}

/** Who waits for a server's login looks again after this time, in case somebody gave it one. */
const loginRetryMs = 60_000;
/** Calls wait for a start that is due within this time, and are refused where it is later. */
const startWaitMs = 5_000;
/** Several notices of changed tools in a row are one. */
const relistPauseMs = 100;
/** A server whose manifest changed finishes its calls for this long. */
const drainMs = 10_000;

/** One upstream server: started once however many ask, started again when it ends, its tools known whether it is up or not. */
export class Upstream {
  /** By name. */
  tools: ReadonlyMap<string, CataloguedTool>;
  private connection: Connection | null = null;
  private child: Child | null = null;
  private attempt: Promise<Connection> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private relisting: NodeJS.Timeout | null = null;
  private history: RestartHistory = noHistory;
  private isWanted = false;
  /** Whether the next session is opened by `initialize` alone. */
  private isLegacy = false;
  private callsOpen = 0;
  private current: UpstreamState = {
    status: 'stopped',
    reason: null,
    containment: null,
    restarts: 0,
    nextAttemptAt: null,
    readySince: null,
    serverInfo: null,
  };

  constructor(
    readonly facts: UpstreamFacts,
    private readonly context: ConnectionContext,
    private readonly listener: UpstreamListener,
  ) {
    this.tools = new Map(facts.tools.map((tool) => [tool.name, tool]));
  }

  get state(): UpstreamState {
    return this.current;
  }

  /** The last lines beside its messages. */
  get stderr(): string[] {
    return this.child?.stderr.lines.map(withoutSecrets) ?? [];
  }

  private get policy(): RestartPolicy {
    const isHttp = this.facts.spec.transport === 'streamable-http';
    // A network that is away comes back; a program that crashes six times within two minutes does not get better.
    return { ...restartDefaults, ...(isHttp && { crashesMax: 0, maxMs: 60_000 }), ...this.facts.spec.restart };
  }

  /** Starts it in the background, after `first` has settled. */
  start(first: Promise<unknown> = Promise.resolve()): void {
    this.isWanted = true;
    this.become({ status: 'starting', reason: null });
    void first.finally(() => {
      if (this.isWanted && !this.connection) this.begin().catch(() => undefined);
    });
  }

  /** Ends it in order; nothing of it is left when this settles. */
  async stop(because: string): Promise<void> {
    this.isWanted = false;
    this.clearTimers();
    const { connection } = this;
    this.connection = null;
    await this.child?.stop({ because });
    await connection?.close(because);
    await this.attempt?.catch(() => undefined);
    this.become({ status: 'stopped', reason: because, nextAttemptAt: null, readySince: null });
  }

  /** Lets the calls in flight end, then stops. */
  async retire(because: string): Promise<void> {
    this.isWanted = false;
    this.clearTimers();
    for (const end = performance.now() + drainMs; this.callsOpen > 0 && performance.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.stop(because);
  }

  /** Stops it and starts it anew with a clean history. Settles when it is ready or cannot be made so. */
  async restart(): Promise<void> {
    await this.stop('it is restarted');
    this.history = noHistory;
    this.isLegacy = false;
    this.isWanted = true;
    this.become({ restarts: 0 });
    await this.begin().catch(() => undefined);
  }

  /** Settles when its first attempt has an outcome. */
  async settled(): Promise<void> {
    await this.attempt?.catch(() => undefined);
  }

  /** Waits for the tools of a server that never listed any so far. */
  async whenFirstKnown(signal: AbortSignal, timeoutMs: number): Promise<void> {
    if (this.tools.size === 0 && !this.connection) await this.ready(signal, timeoutMs);
  }

  /** Runs `work` on a live session, and looks afterwards whether what went wrong was the session's end. */
  async use<T>(signal: AbortSignal, timeoutMs: number, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.ready(signal, timeoutMs);
    this.callsOpen++;
    try {
      return await work(connection);
    } catch (thrown) {
      if (!signal.aborted) this.judge(connection, thrown);
      throw thrown;
    } finally {
      this.callsOpen--;
    }
  }

  /** What a failed call says about the session. */
  private judge(connection: Connection, thrown: unknown): void {
    if (isTimeout(thrown)) void this.checkAlive(connection);
    else if (isSessionLost(thrown)) {
      if (this.connection !== connection) return;
      this.connection = null;
      void connection.close('its session has ended');
      this.begin().catch(() => undefined);
    } else if (connection.child === null && (thrown instanceof Fault || httpStatus(thrown) !== null)) {
      this.drop(connection, connectProblem(thrown));
    }
  }

  /** A live session; waits for one that is about to be. `unavailable`, with the reason, where there is none to wait for. */
  private async ready(signal: AbortSignal, timeoutMs: number): Promise<Connection> {
    if (this.connection) return this.connection;
    const { status, reason, nextAttemptAt } = this.current;
    if (!this.isWanted || status === 'failed' || status === 'stopped') throw this.downFault(reason);
    if (!this.attempt && nextAttemptAt !== null) {
      const pauseMs = Math.max(0, nextAttemptAt - Date.now());
      if (pauseMs > startWaitMs || status === 'degraded') throw this.downFault(reason, pauseMs);
    }
    const late = new Fault('timeout', `the MCP server ${this.facts.name} was not ready within ${timeoutMs} ms`, 'Try again in a moment.');
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(late), timeoutMs);
    return untilAborted(this.nextAttempt(limit.signal), AbortSignal.any([signal, limit.signal])).finally(() => {
      clearTimeout(timer);
      limit.abort();
    });
  }

  private async nextAttempt(signal: AbortSignal): Promise<Connection> {
    while (this.isWanted && !signal.aborted) {
      if (this.connection) return this.connection;
      if (this.attempt) {
        try {
          return await this.attempt;
        } catch {
          throw this.downFault(this.current.reason);
        }
      }
      if (this.current.status === 'failed') break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw this.downFault(this.current.reason);
  }

  private downFault(reason: string | null, retryAfterMs?: number): Fault {
    const { name } = this.facts;
    return new Fault(
      'unavailable',
      `the MCP server ${name} cannot be used now${reason === null ? '' : `: ${reason}`}`,
      this.current.status === 'failed'
        ? `Look at what it wrote, then restart it: POST /api/v1/mcp-servers/${name}/restart.`
        : 'Try again in a moment.',
      { service: `mcp-server ${name}`, ...(retryAfterMs !== undefined && { retryAfterMs }) },
    );
  }

  /** One attempt at a time. */
  private begin(): Promise<Connection> {
    this.clearTimers();
    this.attempt ??= this.open().finally(() => (this.attempt = null));
    return this.attempt;
  }

  private async open(): Promise<Connection> {
    this.become({ status: 'starting', nextAttemptAt: null });
    const { spec } = this.facts;
    try {
      const connection = await this.openSession();
      try {
        const listed = await connection.listTools(spec.startTimeoutMs ?? startTimeoutDefaultMs);
        if (!this.isWanted) throw new Error('it was stopped');
        this.adopt(listed);
      } catch (thrown) {
        await connection.close('its tools could not be listed');
        throw thrown;
      }
      this.connection = connection;
      connection.onToolsChanged = () => this.relistSoon(connection);
      void connection.closed.then((because) => this.onEnd(connection, { kind: 'retry', because }));
      void connection.subscribe();
      this.become({
        status: 'ready',
        reason: null,
        containment: connection.containment,
        readySince: Date.now(),
        serverInfo: connection.serverInfo,
      });
      return connection;
    } catch (thrown) {
      this.onFailure(connectProblem(thrown), null);
      throw thrown;
    }
  }

  /**
   * Servers of the older protocol may end at a question of the newer one: a process that ended while it was asked is asked in the words of the
   * other era the next time, after the first such end at once.
   */
  private async openSession(): Promise<Connection> {
    const { state, bearer } = this.facts;
    const spec = await this.context.secrets.fill(this.facts.spec, bearer);
    const open = (): Promise<Connection> => Connection.open(spec, state, this.context, this.isLegacy, (child) => (this.child = child));
    try {
      return await open();
    } catch (thrown) {
      if (!(thrown instanceof ExitedEarly) || !this.isWanted) throw thrown;
      this.isLegacy = !this.isLegacy;
      if (!this.isLegacy || this.history.failures > 0) throw thrown;
      return await open();
    }
  }

  /** The session has ended, or is found to be of no use. */
  private onEnd(connection: Connection, problem: ConnectProblem): void {
    if (this.connection !== connection) return;
    this.connection = null;
    this.onFailure(problem, this.current.readySince);
  }

  /** Has a session that was found to be broken replaced. */
  private drop(connection: Connection, problem: ConnectProblem): void {
    if (this.connection !== connection) return;
    this.onEnd(connection, problem);
    void connection.close(problem.because);
  }

  /** After a call that was not answered in time: does the server still answer anything? */
  private async checkAlive(connection: Connection): Promise<void> {
    if (this.connection !== connection || (await connection.isAlive())) return;
    this.drop(connection, { kind: 'retry', because: 'it does not answer any more' });
  }

  private onFailure({ kind, because }: ConnectProblem, startedAt: number | null): void {
    if (!this.isWanted) return;
    const { name, workspace } = this.facts;
    if (kind === 'login') {
      this.become({ status: 'degraded', reason: because, readySince: null });
      this.schedule(Date.now() + loginRetryMs);
      return;
    }
    const { history, decision } = afterEnd(this.history, this.policy, { startedAt, now: Date.now(), chance: Math.random() });
    this.history = history;
    if (kind === 'give-up' || decision.kind === 'give-up') {
      const reason = kind === 'give-up' || decision.kind !== 'give-up' ? because : `${because}; ${decision.because}`;
      this.become({ status: 'failed', reason, nextAttemptAt: null, readySince: null });
      log.warn('an MCP server was given up', { server: name, workspace, reason });
      return;
    }
    this.become({ status: 'starting', reason: because, restarts: history.restarts, readySince: null });
    this.schedule(decision.at);
  }

  private schedule(at: number): void {
    if (this.timer) clearTimeout(this.timer);
    this.become({ nextAttemptAt: at });
    this.timer = setTimeout(
      () => {
        this.timer = null;
        if (this.isWanted) this.begin().catch(() => undefined);
      },
      Math.max(0, at - Date.now()),
    );
  }

  private clearTimers(): void {
    for (const timer of [this.timer, this.relisting]) if (timer) clearTimeout(timer);
    this.timer = this.relisting = null;
  }

  private relistSoon(connection: Connection): void {
    this.relisting ??= setTimeout(() => {
      this.relisting = null;
      const { name } = this.facts;
      connection.listTools(this.facts.spec.startTimeoutMs ?? startTimeoutDefaultMs).then(
        (listed) => {
          if (this.connection === connection) this.adopt(listed);
        },
        (err: unknown) => log.warn('changed tools were not listed', { server: name, err }),
      );
    }, relistPauseMs);
  }

  private adopt(listed: readonly unknown[]): void {
    const { tools, leftOut } = readCatalogue(listed);
    if (leftOut.length > 0) log.warn('tools were left out', { server: this.facts.name, count: leftOut.length, first: leftOut[0] });
    this.tools = new Map(tools.map((tool) => [tool.name, tool]));
    this.listener.onTools(this, tools);
  }

  private become(change: Partial<UpstreamState>): void {
    this.current = { ...this.current, ...change, ...(change.reason && { reason: withoutSecrets(change.reason) }) };
    this.listener.onState(this, this.current);
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(Fault.from(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
