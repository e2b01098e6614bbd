import { Option } from 'commander';
import type { Command } from 'commander';
import type { Eval, EvalOutcome, EvalStatus } from '../../client/evals.ts';
import { stages } from '../../client/stages.ts';
import type { Stage } from '../../client/stages.ts';
import { sleep } from '../../client/transport.ts';
import { agentVersion } from '../agent-version.ts';
import { action } from '../context.ts';
import type { Context } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { attemptLines, evalLines, rateText } from '../views/eval-lines.ts';
import { followRun } from './follow.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed, positive } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface RunOptions {
  agent: string;
  repeats?: number;
  against?: Stage;
  follow?: boolean;
  min?: number;
}

interface EvalListOptions extends ListOptions {
  suite?: string;
  agent?: string;
  status?: EvalStatus;
}

/** Between looks at whether an eval whose run has ended is graded. */
const gradedMs = 250;

/** `signalbox evals run|list|show|suites|rm`. */
export function addEvals(program: Command, io: Io): void {
  const group = program.command('evals').description('put suites of cases to versions of agents; suites are made by apply, kind EvalSuite');

  const run = group
    .command('run')
    .argument('<suite>', 'the suite')
    .description('put a suite to a version of an agent; what it finds out becomes evidence')
    .requiredOption('--agent <agent>', 'AGENT or AGENT@VERSION; without a version the current one')
    .option('--repeats <n>', 'how often each case is put; absent: as the suite says', positive)
    .addOption(new Option('--against <stage>', 'the stage whose version it is compared with (production if absent)').choices([...stages]))
    .option('--follow', 'wait for its end, and show what it found out; the exit code is 1 when it failed')
    .option('--min <rate>', 'with --follow: the exit code is 1 when less pass, as 0.9', share);
  action(run, io, async (context, { agent, repeats, against, follow = false, min }: RunOptions, suite: string) => {
    if (min !== undefined && !follow) throw new CliFailure(exitCode.usage, '--min is for --follow', 'Add --follow, or leave it out.');
    const client = await context.client();
    const started = await client.evals.start({ suite, ...agentVersion(agent), repeats, against }, { signal: context.signal });
    if (!follow) {
      context.out.json(started);
      return context.out.lines(
        line`${bold(started.id)} ${started.status}`,
        dim(
          `${started.run === undefined ? 'Its run begins soon' : `Its run is ${started.run}`}; what it finds out: signalbox evals show ${started.id}`,
        ),
      );
    }
    const done = await endOf(context, started);
    await show(context, done, ['failed', 'error', 'diverged']);
    if (done.status !== 'succeeded')
      throw new CliFailure(exitCode.failed, `${done.id} ${done.status}: ${done.reason ?? ''}`, 'Mend that, and run it again.');
    const passRate = done.result?.passRate.value ?? 0;
    if (min !== undefined && passRate < min) {
      throw new CliFailure(
        exitCode.failed,
        `${rateText(passRate)} passed, and ${rateText(min)} must`,
        `See which: signalbox evals show ${done.id}`,
      );
    }
  });

  const list = addListOptions(
    group
      .command('list', { isDefault: true })
      .description('evals, the newest first')
      .option('--suite <name>', 'only of this suite')
      .option('--agent <agent>', 'only of AGENT, or AGENT@VERSION')
      .addOption(new Option('--status <status>', 'only those that are so').choices(['running', 'succeeded', 'failed', 'cancelled'])),
  );
  action(list, io, async (context, { limit, pageSize, agent, ...query }: EvalListOptions) => {
    const client = await context.client();
    const now = context.io.now();
    const about = agent === undefined ? {} : agentVersion(agent);
    const pages = client.evals.list({ ...query, ...about, limit: pageSize }, { signal: context.signal });
    const evals = await listed(context, { limit, pageSize }, pages);
    if (evals.length === 0) return context.out.lines('No such eval. Start one: signalbox evals run SUITE --agent AGENT');
    context.out.lines(
      ...table(
        [
          { title: 'EVAL', cell: ({ id }) => id },
          { title: 'SUITE', cell: ({ suite }) => suite, isFlexible: true },
          { title: 'AGENT', cell: ({ agent: name, version }) => `${name}@${version}` },
          { title: 'STATUS', cell: ({ status }) => status },
          { title: 'PASS', cell: ({ result }) => (result ? rateText(result.passRate.value) : ''), align: 'right' },
          { title: 'SCORE', cell: ({ result }) => (result ? rateText(result.score.value) : ''), align: 'right' },
          {
            title: 'AGAINST',
            cell: ({ result }) =>
              result?.comparison
                ? `${result.comparison.verdict} than ${result.comparison.version ?? 'then'}`.replace('same than', 'same as')
                : '',
          },
          { title: 'STARTED', cell: ({ createdAt }) => ago(createdAt, now), align: 'right' },
        ],
        evals,
        context.out.columns,
      ),
    );
  });

  const shown = group
    .command('show')
    .argument('<eval>', 'the eval')
    .description('what an eval found out, and which cases failed')
    .option('--all', 'those that passed too');
  action(shown, io, async (context, { all = false }: { all?: boolean }, id: string) => {
    const client = await context.client();
    await show(context, await client.evals.get(id, { signal: context.signal }), all ? undefined : ['failed', 'error', 'diverged']);
  });

  const suites = addListOptions(group.command('suites').description('eval suites'));
  action(suites, io, async (context, { q, ...options }: ListOptions) => {
    const client = await context.client();
    const found = await listed(context, options, client.evalSuites.list({ q, limit: options.pageSize }, { signal: context.signal }));
    if (found.length === 0) return context.out.lines('No such suite. Make one: signalbox apply, kind EvalSuite.');
    context.out.lines(
      ...table(
        [
          { title: 'SUITE', cell: ({ name }) => name },
          { title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
          { title: 'CASES', cell: ({ cases }) => String(cases), align: 'right' },
          { title: 'REPEATS', cell: ({ repeats }) => String(repeats), align: 'right' },
          { title: 'GRADERS', cell: ({ graders }) => graders.join(', '), isFlexible: true },
        ],
        found,
        context.out.columns,
      ),
    );
  });

  const remove = group
    .command('rm')
    .argument('<suite>', 'the suite')
    .description('delete a suite with its evals; evidence stays')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Delete the eval suite ${name} with its evals? Their evidence stays.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.evalSuites.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(line`${name} is deleted`);
  });
}

/** The eval, once it has ended: its run is followed, then its grades are waited for. */
async function endOf(context: Context, started: Eval): Promise<Eval> {
  const client = await context.client();
  const { signal } = context;
  let current = started;
  let isFollowed = false;
  while (current.status === 'running') {
    if (current.run !== undefined && !isFollowed && !context.out.isJson) {
      isFollowed = true;
      await followRun(context, client, current.run);
    } else await sleep(gradedMs, signal);
    current = await client.evals.get(started.id, { signal });
  }
  return current;
}

async function show(context: Context, one: Eval, outcome: EvalOutcome[] | undefined): Promise<void> {
  const client = await context.client();
  const shownMax = 100;
  const attempts =
    one.status === 'succeeded'
      ? await client.evals.attempts(one.id, { outcome, limit: shownMax }, { signal: context.signal }).take(shownMax)
      : [];
  context.out.json({ ...one, shown: attempts });
  context.out.lines(...evalLines(one), ...attempts.flatMap(attemptLines));
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new CliFailure(exitCode.usage, `${text} is no share`, 'Say it as 0.9.');
}
