import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { bold, dim, line, red } from '../text/styled.ts';
import { changeLine } from '../views/change-lines.ts';

interface Options {
  dryRun?: boolean;
  hash?: string;
}

/** `signalbox upgrade RUN`. */
export function addUpgrade(program: Command, io: Io): void {
  const command = program
    .command('upgrade')
    .argument('<run>', 'a run that lives')
    .description('have a run go on by the version that its workflow has now: what has begun stays as it began')
    .option('--hash <sha256:…>', 'another version of the workflow, by its hash')
    .option('--dry-run', 'only say what differs, and what does not fit');
  action(command, io, async (context, { dryRun = false, hash }: Options, id: string) => {
    const client = await context.client();
    const upgrade = { dryRun, ...(hash !== undefined && { hash }) };
    const result = await client.runs.upgrade(id, upgrade, { signal: context.signal });
    context.out.json(result);
    const words = {
      upgraded: 'goes on by the new version',
      unchanged: 'goes by this version already',
      possible: 'can go over to the new version',
      impossible: 'cannot go over to the new version',
    };
    context.out.lines(
      line`${bold(id)} ${words[result.outcome]}`,
      ...result.obstacles.map(({ step, because }) => line`  ${red('✖')} ${step ?? 'the run'}: ${because}`),
      ...result.changes.map((change) => changeLine(change, '  ')),
      ...(result.asBegun.length === 0 ? [] : [dim(`  goes on as it began: ${result.asBegun.join(', ')}`)]),
    );
    if (result.outcome === 'impossible')
      throw new CliFailure(
        exitCode.failed,
        'the run does not fit the new version',
        'Change the workflow where it says so, or let the run end as it began.',
      );
  });
}
