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
import { boardLines } from '../views/board-lines.ts';
import { state } from '../views/lamps.ts';
import { LiveScreen } from '../views/live-screen.ts';
import { sleep } from '../../client/transport.ts';

interface Options {
  watch?: boolean;
}

/** Estimates move with time, so that a watched board is read again even when nothing happens. */
const watchEveryMs = 1_000;

/** `signalbox board [NAME]`. */
export function addBoard(program: Command, io: Io): void {
  const command = program
    .command('board')
    .argument('[name]', 'the deployment; may be left out where there is one')
    .description('show a deployment’s board: what is up, what waits for what, what to do next')
    .option('--watch', 'redraw it until Ctrl-C');
  action(command, io, async (context, options: Options, name?: string) => {
    const client = await context.client();
    const chosen = name ?? (await theOnly(context, client));
    if (chosen === null) return;
    if (options.watch) await watch(context, client, chosen);
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
