import { resolveAgent, type AgentRoute, type ResolveAgentReply } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** A change is told by an event; one that was missed is noticed after this. */
const keepMs = 30_000;
const knownMax = 10_000;

/** What dispatch needs to know of an agent. */
export interface KnownAgent {
  isWorker: boolean;
  /** The current one. */
  version: number;
  concurrency: number | undefined;
  skills: readonly string[];
  /** What answers must look like, by skill; of workers, models and HTTP agents: a tool's schema is of its structured content, which its server is held to. */
  promised: ReadonlyMap<string, Record<string, unknown>>;
  timeoutMs: number | undefined;
  /** It is kept out of routing: nothing of it is given out. */
  isIsolated: boolean;
  /** Instances that get nothing; instances that get one task at a time. */
  isolated: ReadonlySet<string>;
  trial: ReadonlySet<string>;
  /** Which version calls go to that name none; undefined: any. */
  route: AgentRoute | undefined;
}

/** Agents as the registry knows them, asked once and kept while they do not change. */
export class AgentDirectory {
  private readonly known = new Map<string, { agent: KnownAgent; at: number }>();
  /** Instances that were just isolated, by agent: what was asked before that knows nothing of it. */
  private readonly fenced = new Map<string, Set<string>>();

  constructor(private readonly bus: Bus) {}

  /** What is known without asking. */
  peek(workspace: string, name: string): KnownAgent | undefined {
    const entry = this.known.get(`${workspace} ${name}`);
    return entry !== undefined && performance.now() - entry.at < keepMs ? entry.agent : undefined;
  }

  /** What was known of it last, however long ago. */
  lastKnown(workspace: string, name: string): KnownAgent | undefined {
    return this.known.get(`${workspace} ${name}`)?.agent;
  }

  /** Rejects with the registry's fault: `not_found` when there is no such agent. */
  async find(workspace: string, name: string, caller: Caller): Promise<KnownAgent> {
    const known = this.peek(workspace, name);
    if (known) return known;
    const key = `${workspace} ${name}`;
    const fenced = this.fenced.get(key);
    const agent = knownOf(await this.bus.request(resolveAgent, { name }, caller));
    // An answer that was on its way when an instance was isolated may not say so.
    if (this.fenced.get(key) === fenced) this.fenced.delete(key);
    if (this.known.size >= knownMax) this.known.clear();
    this.known.set(key, { agent, at: performance.now() });
    return agent;
  }

  /** What one version of it promises, which never changes. Rejects as `find` does. */
  async findVersion(workspace: string, name: string, version: number, caller: () => Promise<Caller>): Promise<KnownAgent> {
    const key = `${workspace} ${name}@${version}`;
    const known = this.known.get(key)?.agent;
    if (known !== undefined) return known;
    const agent = knownOf(await this.bus.request(resolveAgent, { name, version }, await caller()));
    if (this.known.size >= knownMax) this.known.clear();
    this.known.set(key, { agent, at: performance.now() });
    return agent;
  }

  forget(workspace: string, name: string): void {
    this.known.delete(`${workspace} ${name}`);
  }

  /** The instance is isolated, from now on. */
  fence(workspace: string, name: string, instance: string): void {
    const key = `${workspace} ${name}`;
    if (this.fenced.size >= knownMax) this.fenced.clear();
    this.fenced.set(key, new Set([...(this.fenced.get(key) ?? []), instance]));
    this.forget(workspace, name);
  }

  /** Whether nothing is given to the instance, and nothing is taken from it. */
  isFenced(workspace: string, name: string, instance: string): boolean {
    const known = this.known.get(`${workspace} ${name}`)?.agent;
    return (
      this.fenced.get(`${workspace} ${name}`)?.has(instance) === true ||
      known?.isIsolated === true ||
      known?.isolated.has(instance) === true
    );
  }
}

function knownOf(reply: ResolveAgentReply): KnownAgent {
  return {
    isWorker: reply.kind === 'worker',
    version: reply.version,
    concurrency: reply.concurrency,
    skills: reply.skills.map(({ name }) => name),
    promised: new Map(
      reply.kind === 'mcp' ? [] : reply.skills.flatMap(({ name, outputSchema }) => (outputSchema ? [[name, outputSchema]] : [])),
    ),
    timeoutMs: reply.timeoutMs,
    isIsolated: reply.status === 'isolated',
    isolated: new Set(reply.isolated),
    trial: new Set(reply.trial),
    route: reply.route,
  };
}
