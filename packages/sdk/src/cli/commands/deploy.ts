import type { Command } from 'commander';
import type { SignalboxClient } from '../../client/client.ts';
import type { Board, PlannedAgent } from '../../client/deployments.ts';
import { sleep } from '../../client/transport.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { count, percent } from '../text/figures.ts';
import { bold, dim, line, yellow } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { boardLines } from '../views/board-lines.ts';
import { lamp, state } from '../views/lamps.ts';
import { LiveScreen } from '../views/live-screen.ts';
import { confirm } from './confirm.ts';
import { positive } from './list-options.ts';

interface Options {
  dryRun?: boolean;
  yes?: boolean;
  follow?: boolean;
  stop?: boolean;
  timeout: number;
}

const followEveryMs = 250;

/** `signalbox deploy NAME`. */
export function addDeploy(program: Command, io: Io): void {
  const command = program
    .command('deploy')
    .argument('<name>', 'the deployment')
    .description('bring a deployment’s agents up in order; shows the plan before it begins')
    .option('--dry-run', 'only show the plan')
    .option('--yes', 'do not ask')
    .option('--follow', 'show each step until all is done; the exit code is 1 when an agent failed')
    .option('--timeout <seconds>', 'with --follow: how long to wait for all of it', positive, 120)
    .option('--stop', 'stop what was started for it');
  action(command, io, async (context, options: Options, name: string) => {
    const { out, signal } = context;
    const client = await context.client();
    if (options.stop) {
      const { resource } = await client.deployments.stop(name, { signal });
      out.json(resource);
      out.lines(line`${bold(name)} ${state(resource.status)}: stopped`);
      return;
    }
    const { plan } = await client.deployments.start(name, { dryRun: true }, { signal });
    out.lines(...planLines(plan, out.columns), '');
    if (options.dryRun) return out.json(plan);
    const asked = questionOf(plan);
    if (asked !== null) await confirm(context, asked, options.yes);
    const started = await client.deployments.start(name, {}, { signal });
    if (!options.follow) {
      out.json(started);
      out.lines(line`${bold(name)} has been started. ${dim(`Watch it: signalbox board ${name} --watch`)}`);
      return;
    }
    const board = await follow(context, client, name, options.timeout);
    const failed = board.agents.filter((agent) => agent.status === 'failed' || agent.status === 'isolated');
    if (failed.length > 0) {
      const [first] = failed;
      throw new CliFailure(
        exitCode.failed,
        `${failed.map((agent) => agent.name).join(', ')} failed${first?.statusReason ? `: ${first.statusReason}` : ''}`,
        `See the board: signalbox board ${name}`,
      );
    }
  });
}

/** What a person should say yes to first; null: the start disturbs nothing. */
function questionOf(plan: readonly PlannedAgent[]): string | null {
  const restarted = plan.some((step) => step.action === 'restart');
  const migrated = plan.some((step) => step.action === 'run');
  if (restarted && migrated) return 'Some agents are restarted and migrations are run. Go on?';
  if (restarted) return 'Some agents are restarted. Go on?';
  return migrated ? 'Migrations are run. Go on?' : null;
}

/** `It is restarted. 3 tasks are finished first; also in: reports.` */
function because({ because: reason, disturbs }: PlannedAgent): string {
  if (!disturbs) return reason;
  const parts = [
    ...(disturbs.tasks > 0 ? [`${count(disturbs.tasks, 'task')} in hand`] : []),
    ...(disturbs.deployments.length > 0 ? [`also in: ${disturbs.deployments.join(', ')}`] : []),
  ];
  return `${reason} Disturbs: ${parts.join('; ')}.`;
}

function planLines(plan: readonly PlannedAgent[], columns: number): ReturnType<typeof table> {
  return table<PlannedAgent>(
    [
      { title: 'WAVE', cell: (step) => step.wave, align: 'right' },
      { title: 'AGENT', cell: (step) => step.name },
      ...(plan.some(({ kind }) => kind) ? [{ title: 'KIND', cell: ({ kind = 'agent' }: PlannedAgent) => kind }] : []),
      { title: 'ACTION', cell: (step) => (step.action === 'restart' || step.action === 'run' ? yellow(step.action) : step.action) },
      { title: 'BECAUSE', cell: because, isFlexible: true },
    ],
    plan,
    columns,
  );
}

/** Follows until every agent is done or failed: the board redrawn on a terminal, one line a step otherwise. */
async function follow(context: Context, client: SignalboxClient, name: string, timeoutS: number): Promise<Board> {
  const until = context.io.now() + timeoutS * 1000;
  const { out, signal } = context;
  const screen = new LiveScreen(out);
  const seen = new Map<string, string>();
  for (;;) {
    const board = await client.deployments.board(name, { signal });
    if (out.isLive) screen.draw(boardLines(board, out.columns));
    else tellSteps(context, board, seen);
    if (isSettled(board)) {
      if (out.isLive) screen.end(boardLines(board, out.columns));
      out.jsonLine({ type: 'result', board });
      return board;
    }
    if (context.io.now() > until) {
      const open = board.agents.filter((agent) => agent.status !== 'done' && agent.status !== 'degraded').map((agent) => agent.name);
      throw new CliFailure(
        exitCode.timeout,
        `after ${timeoutS} s not up yet: ${open.join(', ')}`,
        `It goes on by itself. See why it takes so long: signalbox board ${name}`,
      );
    }
    await sleep(followEveryMs, signal);
  }
}

/** Done, or nothing moves any more: what failed and what waits for it. */
function isSettled(board: Board): boolean {
  const isMoving = board.agents.some((agent) => !['done', 'degraded', 'failed', 'isolated', 'waiting'].includes(agent.status));
  const hasFailed = board.agents.some((agent) => agent.status === 'failed' || agent.status === 'isolated');
  return board.agents.every((agent) => agent.status === 'done' || agent.status === 'degraded') || (hasFailed && !isMoving);
}

function tellSteps({ out }: Context, board: Board, seen: Map<string, string>): void {
  const tell = (key: string, value: string, text: ReturnType<typeof line>, event: object): void => {
    if (seen.get(key) === value) return;
    seen.set(key, value);
    out.jsonLine(event);
    out.lines(text);
  };
  for (const agent of board.agents) {
    for (const step of agent.steps) {
      if (step.state === 'pending') continue;
      const key = `${agent.name}/${step.name}`;
      const text = line`${lamp(step.state)} ${agent.name.padEnd(16)} ${step.name} ${step.state}${step.note ? `: ${step.note}` : ''}`;
      tell(key, step.state, text, { type: 'step', agent: agent.name, step: step.name, state: step.state });
    }
    const because = agent.statusReason ?? agent.waitingFor.map((one) => one.because).join('; ');
    const text = line`${lamp(agent.status)} ${agent.name.padEnd(16)} ${bold(agent.status)} ${dim(percent(agent.progress))}${because ? `: ${because}` : ''}`;
    tell(agent.name, agent.status, text, { type: 'agent', agent: agent.name, status: agent.status, progress: agent.progress });
  }
}
