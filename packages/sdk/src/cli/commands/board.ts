import type { Command } from 'commander';
import type { SignalboxClient } from '../../client/client.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { ago, count, percent } from '../text/figures.ts';
import { dim } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { boardLines, whatIfLine } from '../views/board-lines.ts';
import { state } from '../views/lamps.ts';
import { LiveScreen } from '../views/live-screen.ts';
import { sleep } from '../../client/transport.ts';

interface Options {
  watch?: boolean;
  if: Record<string, number>;
}

/** Estimates move with time, so that a watched board is read again even when nothing happens. */
const watchEveryMs = 1_000;

/** `signalbox board [NAME]`. */
export function addBoard(program: Command, io: Io): void {
  const command = program
    .command('board')
    .argument('[name]', 'the deployment; may be left out where there is one')
    .description('show a deployment’s board: what is up, what waits for what, what to do next')
    .option('--watch', 'redraw it until Ctrl-C')
    .option('--if <agent=time>', 'show it as it would be if the agent took so much longer: 2d, 12h, -1d (repeatable)', slip, {})
    .addHelpText('after', '\nExample: signalbox board nine-agents --if security=5d');
  action(command, io, async (context, options: Options, name?: string) => {
    const client = await context.client();
    const chosen = name ?? (await theOnly(context, client));
    if (chosen === null) return;
    if (Object.keys(options.if).length > 0) await whatIf(context, client, chosen, options);
    else if (options.watch) await watch(context, client, chosen);
    else {
      const board = await client.deployments.board(chosen, { signal: context.signal });
      context.out.json(board);
      context.out.lines(...boardLines(board, context.out.columns));
    }
  });
}

/** The name of the one deployment; where there are several, lists them and gives null. */
async function theOnly(context: Context, client: SignalboxClient): Promise<string | null> {
  const { out, signal, io } = context;
  const deployments = await client.deployments.list({ limit: 200 }, { signal }).take(200);
  const [first] = deployments;
  if (!first) throw new CliFailure(exitCode.notFound, 'there is no deployment yet', 'Register one: signalbox apply -f FILE');
  if (deployments.length === 1) return first.name;
  out.json(deployments);
  out.lines(
    ...table(
      [
        { title: 'DEPLOYMENT', cell: (one) => one.name },
        { title: 'STATUS', cell: (one) => state(one.status) },
        { title: 'DONE', cell: (one) => percent(one.progress), align: 'right' },
        { title: 'AGENTS', cell: (one) => `${one.done}/${one.agents}`, align: 'right' },
        { title: 'CHANGED', cell: (one) => ago(one.updatedAt, io.now()), align: 'right' },
      ],
      deployments,
      out.columns,
    ),
    '',
    dim(`${count(deployments.length, 'deployment')}: signalbox board NAME shows one`),
  );
  return null;
}

/** Days of each of these units. */
const units = { h: 1 / 24, d: 1, w: 7 };

/** Takes one more `agent=time` into what `--if` gave before. */
function slip(text: string, before: Record<string, number>): Record<string, number> {
  const [, agent, number, unit] = /^([a-z0-9-]+)=(-?\d{1,4}(?:\.\d{1,4})?)([hdw])$/.exec(text) ?? [];
  if (agent === undefined) {
    throw new CliFailure(exitCode.usage, `--if ${text} names no agent and time`, 'Write it as agent=2d, agent=12h or agent=-1d.');
  }
  const days = Number(number) * units[unit as keyof typeof units];
  return { ...before, [agent]: Math.round(days * 1e6) / 1e6 };
}

async function whatIf(
  { out, signal }: Context,
  client: SignalboxClient,
  name: string,
  { if: slips, watch: isWatched }: Options,
): Promise<void> {
  if (isWatched) throw new CliFailure(exitCode.usage, '--if and --watch do not go together', 'Leave one of them out.');
  const [now, then] = await Promise.all([client.deployments.board(name, { signal }), client.deployments.boardIf(name, slips, { signal })]);
  out.json(then);
  out.lines(whatIfLine(slips, now, then), '', ...boardLines(then, out.columns));
}

async function watch(context: Context, client: SignalboxClient, name: string): Promise<void> {
  const { out, signal } = context;
  const screen = new LiveScreen(out);
  let last = '';
  try {
    for (;;) {
      const board = await client.deployments.board(name, { signal });
      const lines = boardLines(board, out.columns);
      if (out.isLive) screen.draw(lines);
      else {
        // Into a pipe only what differs: `updatedAt` and what is left move all the time.
        const text = JSON.stringify(board.agents.map(({ name: agent, status, progress }) => [agent, status, progress]));
        if (text !== last) {
          out.jsonLine(board);
          out.lines(...lines, '');
        }
        last = text;
      }
      await sleep(watchEveryMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
