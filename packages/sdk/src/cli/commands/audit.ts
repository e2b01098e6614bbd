import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AuditEntry, AuditQuery } from '../../client/audit.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { count } from '../text/figures.ts';
import { bold, dim, green, line } from '../text/styled.ts';
import { safeJson } from '../text/clean.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Filters {
  q?: string;
  principal?: string;
  action?: string;
  outcome?: AuditEntry['outcome'];
  since?: string;
  until?: string;
}

/** `signalbox audit list|verify|export`. */
export function addAudit(program: Command, io: Io): void {
  const group = program.command('audit').description('who did what: list it, check that nothing of it was changed, export it');
  const list = addFilters(addListOptions(group.command('list').description('list entries, the newest first')));
  action(list, io, async (context, options: ListOptions & Filters) => {
    const client = await context.client();
    const found = await listed(
      context,
      options,
      client.audit.list({ ...filtersOf(options), limit: options.pageSize }, { signal: context.signal }),
    );
    if (found.length === 0) return context.out.lines('No entries.');
    context.out.lines(
      ...table(
        [
          { title: 'WHEN', cell: ({ at }) => at },
          { title: 'WHO', cell: ({ name, principal }) => name || principal },
          { title: 'ACTION', cell: (entry) => entry.action },
          { title: 'OUTCOME', cell: ({ outcome }) => outcome },
          { title: 'TARGET', cell: ({ target }) => target, isFlexible: true },
        ],
        found,
        context.out.columns,
      ),
    );
  });
  const verify = group.command('verify').description('check each link of the chain from its first entry');
  action(verify, io, async (context) => {
    const client = await context.client();
    const found = await client.audit.verify({ signal: context.signal });
    context.out.json(found);
    if (!found.intact) {
      throw new CliFailure(
        exitCode.failed,
        `the audit is broken at entry ${found.brokenAt ?? '?'}: ${found.because ?? 'a link does not fit'}`,
        'Keep the database as it is, and compare it with a backup: signalbox audit export -o FILE writes what is there.',
      );
    }
    context.out.lines(
      line`${green('intact')}: ${count(found.entries, 'entry', 'entries')}, compared with ${found.checkpoints} checkpoints outside the database`,
      ...(found.head
        ? [line`${bold('head')} ${found.head} ${dim('keep it elsewhere: an audit that was cut or built anew has another')}`]
        : []),
    );
  });
  const write = addFilters(group.command('export').description('write all entries, the newest first, one JSON document a line')).option(
    '-o, --output <file>',
    'write it there, readable by you alone; else to standard output',
  );
  action(write, io, async (context, options: Filters & { output?: string }) => {
    const client = await context.client();
    const { output } = options;
    const file =
      output === undefined
        ? null
        : await open(resolve(io.cwd, output), 'wx', 0o600).catch((error: Error) => {
            throw new CliFailure(
              exitCode.failed,
              `cannot write ${output}: ${error.message}`,
              'Choose another place: nothing is overwritten.',
            );
          });
    let written = 0;
    try {
      for await (const { data } of client.audit.list({ ...filtersOf(options), limit: 200 }, { signal: context.signal }).pages()) {
        const text = data.map((entry) => `${safeJson(entry)}\n`).join('');
        if (file) await file.write(text);
        else io.stdout.write(text);
        written += data.length;
      }
    } finally {
      await file?.close();
    }
    context.out.note(dim(`${count(written, 'entry', 'entries')} written${output === undefined ? '' : ` to ${output}`}`));
  });
}

function addFilters(command: Command): Command {
  if (!command.options.some(({ long }) => long === '--q')) command.option('--q <words>', 'only what holds these words');
  return command
    .option('--principal <id>', 'only what this one did')
    .option('--action <action>', 'only this, as agent.apply, or agent.*')
    .option('--outcome <outcome>', 'only what was allowed, or denied')
    .option('--since <time>', 'not before, ISO 8601')
    .option('--until <time>', 'not after, ISO 8601');
}

function filtersOf({ q, principal, action: what, outcome, since, until }: Filters): AuditQuery {
  return { q, principal, action: what, outcome, since, until };
}
