import { Option, type Command } from 'commander';
import { stages, type Stage } from '../../client/stages.ts';
import { agentVersion, exactVersion } from '../agent-version.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { bold, line } from '../text/styled.ts';
import { checkLines, stageLines } from '../views/stage-lines.ts';

interface PromoteOptions {
  to: Stage;
  reason?: string;
  approve?: boolean;
  dryRun?: boolean;
}

/** `signalbox stages AGENT[@VERSION]`. */
export function addStages(program: Command, io: Io): void {
  const command = program
    .command('stages')
    .argument('<agent>', 'AGENT or AGENT@VERSION; without a version the current one')
    .description('which versions of an agent are at which stage, and what one lacks for each');
  action(command, io, async (context, _: object, name: string) => {
    const { agent, version } = agentVersion(name);
    const client = await context.client();
    const found = await client.stages.get(agent, { version }, { signal: context.signal });
    context.out.json(found);
    context.out.lines(...stageLines(found, context.io.now(), context.out.columns));
  });
}

/** `signalbox promote AGENT@VERSION --to STAGE`. */
export function addPromote(program: Command, io: Io): void {
  const command = program
    .command('promote')
    .argument('<agent@version>', 'the version, as analyst@3')
    .description('put a version of an agent at a stage: it needs all of its gates, on evidence of that very version')
    .addOption(new Option('--to <stage>', 'the stage').choices(stages).makeOptionMandatory())
    .option('--reason <text>', 'kept with it')
    .option('--approve', 'only agree that somebody else promotes it')
    .option('--dry-run', 'only say whether it may');
  action(command, io, async (context, { to, reason, approve, dryRun }: PromoteOptions, name: string) => {
    if (approve && dryRun) throw new CliFailure(exitCode.usage, '--approve and --dry-run exclude each other', 'Give one of them.');
    const { agent, version } = exactVersion(name);
    const client = await context.client();
    if (approve) {
      const approved = await client.stages.approve(agent, { version, to, reason }, { signal: context.signal });
      context.out.json(approved);
      const word = approved.action === 'unchanged' ? 'was approved by you before' : 'is approved';
      context.out.lines(line`${bold(name)} ${word} for ${to}`, ...checkLines(approved.check));
      return;
    }
    const { action: done, check } = await promoted();
    context.out.json({ action: done, check });
    const word =
      done === 'unchanged'
        ? `is at ${to} already`
        : done === 'refused'
          ? `cannot get to ${to}`
          : dryRun
            ? `may get to ${to}`
            : `is at ${to} now`;
    context.out.lines(line`${bold(name)} ${word}`, ...checkLines(check));
    if (done === 'refused')
      throw new CliFailure(exitCode.conflict, `${name} cannot get to ${to}: ${check.blockers[0]!.because}`, check.blockers[0]!.next);

    function promoted(): ReturnType<typeof client.stages.promote> {
      return client.stages.promote(agent, { version, to, reason }, { dryRun }, { signal: context.signal });
    }
  });
}

/** `signalbox demote AGENT@VERSION --from STAGE`. */
export function addDemote(program: Command, io: Io): void {
  const command = program
    .command('demote')
    .argument('<agent@version>', 'the version, as analyst@3')
    .description('take a version of an agent from a stage and all later ones; the one before is there again')
    .addOption(new Option('--from <stage>', 'the first stage that it leaves').choices(stages).makeOptionMandatory())
    .option('--reason <text>', 'kept with it');
  action(command, io, async (context, { from, reason }: { from: Stage; reason?: string }, name: string) => {
    const { agent, version } = exactVersion(name);
    const client = await context.client();
    const demoted = await client.stages.demote(agent, { version, from, reason }, { signal: context.signal });
    context.out.json(demoted);
    const now = (stage: Stage): string => {
      const holder = demoted.holders.find((one) => one.stage === stage);
      return holder ? `version ${holder.version} is there again` : 'nothing is there now';
    };
    context.out.lines(...demoted.left.map((stage) => line`${bold(name)} left ${stage}: ${now(stage)}`));
  });
}
