import type { Agent } from '@signalbox/sdk/client/agents.js';
import type { McpServer } from '@signalbox/sdk/client/mcp-servers.js';
import type { Run } from '@signalbox/sdk/client/runs.js';
import type { ServiceStatus } from '@signalbox/sdk/client/system.js';
import { counted, listed } from './text.ts';

interface Whole {
  services: readonly Pick<ServiceStatus, 'name' | 'status'>[] | undefined;
  agents: readonly Pick<Agent, 'name' | 'status'>[] | undefined;
  servers: readonly Pick<McpServer, 'name' | 'status'>[] | undefined;
  runs: readonly Pick<Run, 'status'>[] | undefined;
}

/** How everything stands, in one sentence: first what is wrong, by name; else that nothing is, and how much there is. */
export function overallSentence({ services, agents, servers, runs }: Whole): string {
  if (!services) return 'Looking how everything stands.';
  const wrong: string[] = [];
  const say = (names: string[], one: string, is: string, are: string): void => {
    if (names.length > 0) wrong.push(`${counted(names.length, one)} ${names.length === 1 ? is : are}: ${listed(names)}`);
  };
  const named = <T extends { name: string; status: string }>(things: readonly T[] | undefined, ...statuses: string[]): string[] =>
    (things ?? []).filter(({ status }) => statuses.includes(status)).map(({ name }) => name);
  say(named(services, 'down'), 'service', 'is down', 'are down');
  say(named(services, 'degraded'), 'service', 'is not well', 'are not well');
  say(named(servers, 'failed', 'degraded'), 'MCP server', 'needs a look', 'need a look');
  say(named(agents, 'failed', 'degraded'), 'agent', 'is not well', 'are not well');
  const going = (runs ?? []).filter(({ status }) => status === 'running' || status === 'queued').length;
  const goes = going > 0 ? `${counted(going, 'run')} going` : 'no run going';
  if (wrong.length > 0) return `${[...wrong, goes].join(' · ')}.`;
  const parts = [counted(services.length, 'service')];
  if (agents && agents.length > 0) parts.push(counted(agents.length, 'agent'));
  if (servers && servers.length > 0) parts.push(counted(servers.length, 'MCP server'));
  return `Everything is as it should be: ${listed(parts)} · ${goes}.`;
}
