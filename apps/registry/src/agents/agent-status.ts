import type { AgentKind, AgentStatus, BreakerState } from '@signalbox/shared/contracts/registry/agent.js';

/** What an agent's status is computed from. */
export interface HealthFacts {
  kind: AgentKind;
  /** Instances that beat. */
  live: number;
  /** Instances that missed their beats or whose process ended, since one came last. */
  lost: number;
  /** Instances that are isolated. */
  isolated?: number;
  /** Why the agent with all of its instances is. */
  isolation?: string;
  /** Processes that the local runner is to keep up. */
  wanted: number;
  /** Why the local runner has given up on one of them. */
  runnerFailure?: string;
  /** Of the MCP server behind an `mcp` agent; absent: unknown. */
  server?: { name: string; status: string; reason?: string };
  breaker?: BreakerState;
  /** What it goes on without, as a deployment declares, in a sentence. */
  lacks?: string;
  /** What the last probe of an agent that is called said; absent: none was made. */
  probe?: { isWell: boolean; note?: string };
}

export interface Health {
  status: AgentStatus;
  reason?: string;
}

const severity: AgentStatus[] = ['healthy', 'unknown', 'idle', 'degraded', 'failed'];

/** How an agent stands: the worse of what its kind and its circuit breaker say. */
export function healthOf(facts: HealthFacts): Health {
  if (facts.isolation !== undefined) return { status: 'isolated', reason: `it is isolated: ${facts.isolation}` };
  const own = facts.kind === 'worker' ? workerHealth(facts) : facts.kind === 'mcp' ? serverHealth(facts) : calledHealth(facts);
  const calls = breakerHealth(facts.breaker);
  const worse = calls !== null && severity.indexOf(calls.status) > severity.indexOf(own.status) ? calls : own;
  if (facts.lacks === undefined || severity.indexOf(worse.status) >= severity.indexOf('degraded')) return worse;
  return { status: 'degraded', reason: facts.lacks };
}

function workerHealth({ live, lost, isolated = 0, wanted, runnerFailure }: HealthFacts): Health {
  if (live === 0 && runnerFailure !== undefined) return { status: 'failed', reason: runnerFailure };
  if (live === 0 && isolated > 0)
    return { status: 'failed', reason: `no instance is left: ${counted(isolated)} ${isolated === 1 ? 'is' : 'are'} isolated` };
  if (live === 0 && lost > 0)
    return { status: 'failed', reason: `no instance is left: ${counted(lost)} ${lost === 1 ? 'was' : 'were'} lost` };
  if (live === 0) return { status: 'idle', reason: wanted > 0 ? 'its first instance is awaited' : 'no instance is there' };
  if (runnerFailure !== undefined) return { status: 'degraded', reason: runnerFailure };
  if (isolated > 0)
    return { status: 'degraded', reason: `${counted(isolated)} of ${live + isolated} ${isolated === 1 ? 'is' : 'are'} isolated` };
  if (live < wanted) return { status: 'degraded', reason: `${live} of ${counted(wanted)} ${live === 1 ? 'is' : 'are'} there` };
  return { status: 'healthy' };
}

function serverHealth({ server }: HealthFacts): Health {
  if (server === undefined) return { status: 'unknown', reason: 'its MCP server has not been heard of' };
  const { name, status, reason } = server;
  const told = reason === undefined ? `its MCP server ${name} is ${status}` : `its MCP server ${name} is ${status}: ${reason}`;
  if (status === 'ready') return { status: 'healthy' };
  if (status === 'degraded' || status === 'failed') return { status, reason: told };
  return { status: status === 'stopped' ? 'idle' : 'unknown', reason: told };
}

function calledHealth({ probe, breaker }: HealthFacts): Health {
  if (probe === undefined)
    return breaker === 'closed' ? { status: 'healthy' } : { status: 'unknown', reason: 'it has not been called yet' };
  return probe.isWell ? { status: 'healthy' } : { status: 'failed', reason: probe.note ?? 'its last probe failed' };
}

function breakerHealth(breaker: BreakerState | undefined): Health | null {
  if (breaker === 'open') return { status: 'failed', reason: 'calls to it keep failing: its circuit breaker is open' };
  if (breaker === 'half-open') return { status: 'degraded', reason: 'its circuit breaker tries whether calls succeed again' };
  return null;
}

function counted(count: number): string {
  return count === 1 ? '1 instance' : `${count} instances`;
}
