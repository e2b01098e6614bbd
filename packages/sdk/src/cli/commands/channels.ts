import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox channels list|test|rm`: they are made by `apply`. */
export function addChannels(program: Command, io: Io): void {
  const group = program.command('channels').description('where notifications go; made by apply, kind Channel');
  const list = addListOptions(group.command('list', { isDefault: true }).description('channels, and how the last message went'));
  action(list, io, async (context, { q, ...options }: ListOptions) => {
    const client = await context.client();
    const now = context.io.now();
    const channels = await listed(context, options, client.channels.list({ q, limit: options.pageSize }, { signal: context.signal }));
    if (channels.length === 0) return context.out.lines('No such channel.');
    context.out.lines(
      ...table(
        [
          { title: 'CHANNEL', cell: (channel) => channel.name },
          { title: 'TYPE', cell: (channel) => channel.type },
          { title: 'STATE', cell: (channel) => state(channel.state) },
          { title: 'SENT', cell: ({ lastSentAt }) => (lastSentAt === null ? dim('never') : ago(lastSentAt, now)), align: 'right' },
          { title: 'SECRETS', cell: ({ secrets }) => secrets.join(', ') },
          { title: 'LAST FAILURE', cell: ({ lastFailure }) => lastFailure ?? '', isFlexible: true },
        ],
        channels,
        context.out.columns,
      ),
    );
  });

  const test = group.command('test').argument('<name>', 'the channel').description('send a message that says it is a test, now');
  action(test, io, async (context, _: object, name: string) => {
    const client = await context.client();
    const reply = await client.channels.test(name, { signal: context.signal });
    context.out.json(reply);
    context.out.lines(line`${bold(name)} took it in ${String(reply.tookMs)} ms`);
  });

  const remove = group
    .command('rm')
    .argument('<name>', 'the channel')
    .description('take a channel away, with what waits for it')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Remove the channel ${name}? What waits for it is not sent.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.channels.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(line`${name} is removed`);
  });
}
