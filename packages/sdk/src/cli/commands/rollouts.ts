import { Option, type Command } from 'commander';
import { rolloutStatuses, type Rollout, type RolloutStatus } from '../../client/rollouts.ts';
import { agentVersion, exactVersion } from '../agent-version.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { rolloutLines, stepText } from '../views/rollout-lines.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface RolloutListOptions extends ListOptions {
  agent?: string;
  status?: RolloutStatus;
}

interface ActOptions {
  reason?: string;
  yes?: boolean;
}

/** What people do to a rollout that is under way. `asks`: what is confirmed first. */
const acts = [
  { verb: 'pause', about: 'hold a rollout at its step; nothing follows from what is measured', did: 'is held' },
  { verb: 'resume', about: 'let a rollout that is paused go on', did: 'goes on' },
  { verb: 'promote', about: 'make the new version the current one now, whatever the measures say', did: 'is the current one', asks: true },
  { verb: 'abort', about: 'send all calls to the stable version again, now', did: 'gets no calls any more', asks: true },
] as const;

/** `signalbox rollouts list|show|start|pause|resume|promote|abort`. */
export function addRollouts(program: Command, io: Io): void {
  const group = program
    .command('rollouts')
    .description('versions of agents that take the place of others step by step; begun by apply, where a manifest has spec.rollout');

  const list = addListOptions(
    group
      .command('list', { isDefault: true })
      .description('rollouts, the newest first')
      .option('--agent <agent>', 'only of AGENT, or AGENT@VERSION')
      .addOption(new Option('--status <status>', 'only those that are so').choices([...rolloutStatuses])),
  );
  action(list, io, async (context, { limit, pageSize, agent, ...query }: RolloutListOptions) => {
    const client = await context.client();
    const now = context.io.now();
    const about = agent === undefined ? {} : agentVersion(agent);
    const found = await listed(
      context,
      { limit, pageSize },
      client.rollouts.list({ ...query, ...about, limit: pageSize }, { signal: context.signal }),
    );
    if (found.length === 0) return context.out.lines('No such rollout. A manifest with spec.rollout begins one when it is applied.');
    context.out.lines(
      ...table(
        [
          { title: 'ROLLOUT', cell: ({ id }) => id },
          { title: 'AGENT', cell: ({ agent: name, version }) => `${name}@${version}` },
          { title: 'FROM', cell: ({ stable }) => String(stable), align: 'right' },
          { title: 'STATUS', cell: ({ status }) => state(status) },
          { title: 'STEP', cell: (one: Rollout) => `${one.step + 1}/${one.plan.steps.length}, ${stepText(one)}` },
          { title: 'WHY', cell: ({ reason }) => reason, isFlexible: true },
          { title: 'CHANGED', cell: ({ updatedAt, endedAt }) => ago(endedAt ?? updatedAt, now), align: 'right' },
        ],
        found,
        context.out.columns,
      ),
    );
  });

  const shown = group
    .command('show')
    .argument('<rollout>', 'the rollout')
    .description('a rollout with its steps, the measures of both versions, and what happened');
  action(shown, io, async (context, _: object, id: string) => {
    const client = await context.client();
    const found = await client.rollouts.get(id, { signal: context.signal });
    context.out.json(found);
    context.out.lines(...rolloutLines(found, context.io.now(), context.out.columns));
  });

  const start = group
    .command('start')
    .argument('<agent@version>', 'the version, as analyst@3')
    .description('roll out a version that is there already: one that was rolled back, or an earlier one');
  action(start, io, async (context, _: object, name: string) => {
    const client = await context.client();
    const { resource } = await client.rollouts.start(exactVersion(name), { signal: context.signal });
    context.out.json(resource);
    context.out.lines(line`${bold(resource.id)} ${name} begins to take the place of version ${resource.stable}`);
  });

  for (const { verb, about, did, ...rest } of acts) {
    const command = group.command(verb).argument('<rollout>', 'the rollout').description(about).option('--reason <text>', 'kept with it');
    if ('asks' in rest) command.option('-y, --yes', 'do not ask');
    action(command, io, async (context, { reason, yes }: ActOptions, id: string) => {
      const client = await context.client();
      if ('asks' in rest) {
        const { agent, version } = await client.rollouts.get(id, { signal: context.signal });
        await confirm(context, `${verb} version ${version} of ${agent}?`, yes, 'Say --yes to go on.');
      }
      const { resource } = await client.rollouts[verb](id, { reason }, { signal: context.signal });
      context.out.json(resource);
      context.out.lines(line`${bold(`${resource.agent}@${resource.version}`)} ${did}: ${state(resource.status)}`);
    });
  }
}
