import type { Command } from 'commander';
import type { Why } from '../../client/runs.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { state } from '../views/lamps.ts';

/** `signalbox why RUN [STEP]`. */
export function addWhy(program: Command, io: Io): void {
  const command = program
    .command('why')
    .argument('<run>', 'the run')
    .argument('[step]', 'this step of it, `analyse[3]` for an item')
    .description('say why a run or a step is not going on, and what to do about it');
  action(command, io, async (context, _: object, id: string, step?: string) => {
    const client = await context.client();
    const why = await client.runs.why(id, step, { signal: context.signal });
    context.out.json(why);
    context.out.lines(...whyLines(why, context.io.now()));
  });
}

function whyLines({ run, chain, open, step }: Why, now: number): Styled[] {
  const lines: Styled[] = [];
  chain.forEach((cause, depth) => {
    const indent = '  '.repeat(depth);
    const where = cause.step ?? cause.run;
    const of = cause.run !== run && cause.step !== null ? dim(` of ${cause.run}`) : '';
    lines.push(line`${indent}${bold(where)}${of} ${state(cause.status)}: ${cause.because}`);
    for (const { run: holder, step: held, instance, since } of cause.holders)
      lines.push(
        line`${indent}  ${dim('held by')} ${holder}${held === '' ? '' : ` ${held}`}${instance ? ` on ${instance}` : ''}${since ? `, begun ${ago(since, now)}` : ''}`,
      );
  });
  const next = chain.findLast((cause) => cause.next !== null)?.next;
  if (next) lines.push(line`${next}`);
  const root = chain.at(-1)?.kind;
  const others = step === null ? open.filter(({ kind, count }) => kind !== root || count > 1) : [];
  if (others.length > 0)
    lines.push(dim(`Also open: ${others.map(({ kind, count, step: first }) => `${count} ${kind} (${first})`).join(', ')}`));
  return lines.length > 0 ? lines : [line`Nothing of it waits.`];
}
