import { resolveAgent, type ResolveAgentReply } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** A change is told by an event; one that was missed is noticed after this. */
const keepMs = 30_000;
const knownMax = 10_000;

/** What dispatch needs to know of an agent. */
export interface KnownAgent {
  isWorker: boolean;
  concurrency: number | undefined;
  skills: readonly string[];
  timeoutMs: number | undefined;
}

/** Agents as the registry knows them, asked once and kept while they do not change. */
export class AgentDirectory {
  private readonly known = new Map<string, { agent: KnownAgent; at: number }>();

  constructor(private readonly bus: Bus) {}

  /** What is known without asking. */
  peek(workspace: string, name: string): KnownAgent | undefined {
    const entry = this.known.get(`${workspace} ${name}`);
    return entry !== undefined && performance.now() - entry.at < keepMs ? entry.agent : undefined;
  }

  /** Rejects with the registry's fault: `not_found` when there is no such agent. */
  async find(workspace: string, name: string, caller: Caller): Promise<KnownAgent> {
    const known = this.peek(workspace, name);
    if (known) return known;
    const agent = knownOf(await this.bus.request(resolveAgent, { name }, caller));
    if (this.known.size >= knownMax) this.known.clear();
    this.known.set(`${workspace} ${name}`, { agent, at: performance.now() });
    return agent;
  }

  forget(workspace: string, name: string): void {
    this.known.delete(`${workspace} ${name}`);
  }
}

function knownOf(reply: ResolveAgentReply): KnownAgent {
  return {
    isWorker: reply.kind === 'worker',
    concurrency: reply.concurrency,
    skills: reply.skills.map(({ name }) => name),
    timeoutMs: reply.timeoutMs,
  };
}
