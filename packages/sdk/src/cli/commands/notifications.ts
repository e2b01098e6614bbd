import type { Command } from 'commander';
import type { NotificationRule } from '../../client/notification-rules.ts';
import type { NotificationQuery } from '../../client/notifications.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options extends ListOptions {
  status?: NotificationQuery['status'];
  channel?: string;
  rule?: string;
}

/** `signalbox notifications list|retry`. */
export function addNotifications(program: Command, io: Io): void {
  const group = program.command('notifications').description('what was sent to channels, waits, or was given up');
  const list = addListOptions(group.command('list', { isDefault: true }).description('the newest first, with why one was not taken'))
    .option('--status <status>', 'only waiting, sent or dead ones')
    .option('--channel <name>', 'only to this channel')
    .option('--rule <name>', 'only by this rule');
  action(list, io, async (context, { pageSize, limit, ...filters }: Options) => {
    const client = await context.client();
    const now = context.io.now();
    const query = { ...filters, limit: pageSize };
    const found = await listed(context, { limit, pageSize }, client.notifications.list(query, { signal: context.signal }));
    if (found.length === 0) return context.out.lines('No notifications.');
    context.out.lines(
      ...table(
        [
          { title: 'NOTIFICATION', cell: (each) => each.id },
          { title: 'STATUS', cell: (each) => state(each.status) },
          { title: 'CHANNEL', cell: (each) => each.channel },
          { title: 'RULE', cell: (each) => each.rule },
          { title: 'TRIES', cell: (each) => each.attempts, align: 'right' },
          { title: 'MADE', cell: (each) => ago(each.createdAt, now), align: 'right' },
          { title: 'WHAT', cell: ({ title, failure }) => (failure === null ? title : `${title} (${failure})`), isFlexible: true },
        ],
        found,
        context.out.columns,
      ),
    );
  });

  const retry = group.command('retry').argument('<notification>', 'one that is dead').description('send one again that was given up');
  action(retry, io, async (context, _: object, id: string) => {
    const client = await context.client();
    const notification = await client.notifications.retry(id, { signal: context.signal });
    context.out.json(notification);
    context.out.lines(line`${state(notification.status)} ${bold(notification.title)}`);
  });
}

/** `signalbox notification-rules list|run|rm`: they are made by `apply`. */
export function addNotificationRules(program: Command, io: Io): void {
  const group = program.command('notification-rules').description('what is told to which channels; made by apply, kind NotificationRule');
  const list = addListOptions(group.command('list', { isDefault: true }).description('rules, and when the next digest or review is due'));
  action(list, io, async (context, { q, ...options }: ListOptions) => {
    const client = await context.client();
    const rules = await listed(context, options, client.notificationRules.list({ q, limit: options.pageSize }, { signal: context.signal }));
    if (rules.length === 0) return context.out.lines('No such notification rule.');
    context.out.lines(
      ...table(
        [
          { title: 'RULE', cell: (rule) => rule.name },
          { title: 'TELLS', cell: tellsOf, isFlexible: true },
          { title: 'TO', cell: ({ channels }) => channels.join(', ') },
          { title: 'NEXT', cell: ({ nextAt }) => nextAt?.slice(0, 16).replace('T', ' ') ?? dim('as it happens') },
          { title: 'BY', cell: ({ appliedBy }) => appliedBy },
        ],
        rules,
        context.out.columns,
      ),
    );
  });

  const now = group.command('run').argument('<name>', 'a rule with a digest or a review').description('send its digest or review now');
  action(now, io, async (context, _: object, name: string) => {
    const client = await context.client();
    const reply = await client.notificationRules.run(name, { signal: context.signal });
    context.out.json(reply);
    const sent = `is sent to ${reply.messages} ${reply.messages === 1 ? 'channel' : 'channels'}`;
    context.out.lines(line`${bold(name)} ${reply.messages === 0 ? 'has nothing to say' : sent}`);
  });

  const remove = group
    .command('rm')
    .argument('<name>', 'the rule')
    .description('take a notification rule away')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Remove the notification rule ${name}? Nobody is told by it any more.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.notificationRules.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(line`${name} is removed`);
  });
}

function tellsOf({ kind, events }: NotificationRule): string {
  return kind === 'events' ? events.join(', ') : kind;
}
