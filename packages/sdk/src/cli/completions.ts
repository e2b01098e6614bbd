import type { Command } from 'commander';
import type { SignalboxClient } from '../client/client.ts';
import type { Context } from './context.ts';
import { shellScripts } from './shell-scripts.ts';

/** Groups whose commands all take a name of the group's own. */
const namedGroups = new Set(['schedules', 'triggers', 'channels', 'notification-rules', 'objectives']);
/** Whoever presses Tab does not wait longer than this. */
const patienceMs = 1_500;
/** More names than this help nobody. */
const namesMax = 200;

/** What the words typed so far can go on with; the last word is the one being typed. Never fails: no idea is no offer. */
export async function candidates(program: Command, context: Context, words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  let command = program;
  const operands: string[] = [];
  let awaits: string | null = null;
  for (const word of before) {
    const option = command.options.find((one) => one.long === word || one.short === word);
    if (awaits !== null) awaits = null;
    else if (option) awaits = option.required || option.optional ? word : null;
    else if (!word.startsWith('-')) {
      const sub = operands.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (sub) command = sub;
      else operands.push(word);
    }
  }
  const offered = await offers(program, command, context, { typed, awaits, operands });
  return offered.filter((one) => one.startsWith(typed)).sort();
}

async function offers(
  program: Command,
  command: Command,
  context: Context,
  { typed, awaits, operands }: { typed: string; awaits: string | null; operands: readonly string[] },
): Promise<string[]> {
  if (awaits !== null) return valuesOf(awaits, context);
  if (typed.startsWith('-')) {
    return [...command.options, ...program.options]
      .flatMap((option) => (option.long && !option.hidden ? [option.long] : []))
      .concat('--help');
  }
  const commands = command.commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
  if (operands.length > 0) return [];
  const isGroup = commands.length > 0 && command.registeredArguments.length === 0;
  if (isGroup) return commands;
  const group = command.parent?.name() ?? '';
  const named = names(namedGroups.has(group) ? group : command.name(), context, typed);
  return [...commands, ...(await named.catch(() => []))];
}

async function valuesOf(option: string, context: Context): Promise<string[]> {
  if (option === '--status') return ['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'healthy', 'degraded', 'idle'];
  if (option === '--kind') return ['llm', 'mcp', 'http', 'worker'];
  if (option === '--workflow' || option === '--run') return names(option === '--run' ? 'logs' : 'run', context, '').catch(() => []);
  return [];
}

/** The names that an argument of this command can have. */
async function names(kind: string, context: Context, typed: string): Promise<string[]> {
  if (kind === 'completion') return Object.keys(shellScripts);
  const client = await context.client({ retries: 0, timeoutMs: patienceMs });
  const options = { signal: AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]) };
  switch (kind) {
    case 'run':
    case 'workflow':
      return namesOf(client.workflows.list({ limit: namesMax }, options));
    case 'agents':
      return namesOf(client.agents.list({ limit: namesMax }, options));
    case 'servers':
      return namesOf(client.mcpServers.list({ limit: namesMax }, options));
    case 'schedules':
      return namesOf(client.schedules.list({ limit: namesMax }, options));
    case 'triggers':
      return namesOf(client.triggers.list({ limit: namesMax }, options));
    case 'objectives':
      return namesOf(client.objectives.list({ limit: namesMax }, options));
    case 'channels':
      return namesOf(client.channels.list({ limit: namesMax }, options));
    case 'notification-rules':
      return namesOf(client.notificationRules.list({ limit: namesMax }, options));
    case 'retry':
      return (await client.notifications.list({ status: 'dead', limit: 50 }, options).first()).data.map(({ id }) => id);
    case 'sign-off':
      return (await client.reviews.list({ limit: namesMax }, options).first()).data.map(({ agent, version }) => `${agent}@${version}`);
    case 'scale':
      return namesOf(client.agents.list({ limit: namesMax }, options));
    case 'board':
    case 'deploy':
    case 'drift':
      return namesOf(client.deployments.list({ limit: namesMax }, options));
    case 'logs':
    case 'cancel':
    case 'runs':
    case 'report':
    case 'why':
    case 'compare':
      return (await client.runs.list({ limit: 50 }, options).first()).data.map((run) => run.id);
    case 'approve':
    case 'reject':
      return (await client.approvals.list({ status: 'open', mine: true, limit: 50 }, options).first()).data.map(({ id }) => id);
    case 'call':
    case 'tools':
      return toolNames(client, typed, options);
    case 'get':
      return (await client.artifacts.list({ limit: 50 }, options).first()).data.flatMap((one) => [one.id, one.name]);
    default:
      return [];
  }
}

/** Servers first (`filesystem/`), and once one is typed its tools. */
async function toolNames(client: SignalboxClient, typed: string, options: { signal: AbortSignal }): Promise<string[]> {
  const [server, tool] = typed.split('/');
  if (tool === undefined) return (await namesOf(client.mcpServers.list({ limit: namesMax }, options))).map((name) => `${name}/`);
  const { data } = await client.tools.list({ server, limit: namesMax }, options).first();
  return data.map((one) => `${one.server}/${one.name}`);
}

async function namesOf(pages: { first(): Promise<{ data: { name: string }[] }> }): Promise<string[]> {
  return (await pages.first()).data.map((one) => one.name);
}
