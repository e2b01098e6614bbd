import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { count } from '../text/figures.ts';
import { bold, dim, green, line, red } from '../text/styled.ts';
import { verify } from '../verification/verify.ts';
import { positive, seconds } from './list-options.ts';

/** `signalbox verify`: is what was recorded whole? */
export function addVerify(program: Command, io: Io): void {
  const command = program
    .command('verify')
    .description('check that what was recorded is whole: the audit, every run, artifacts, deployments and budgets')
    .option('--since <time>', 'runs and artifacts from then on: 24h, 7d, or ISO 8601; what has not ended always', (given) =>
      sinceOf(given, io.now()),
    )
    .option('--limit <n>', 'at most so many runs, and so many artifacts', positive, 1_000);
  action(command, io, async (context, { since, limit }: { since?: number; limit: number }) => {
    const { out, signal } = context;
    const client = await context.client();
    const found = await verify(client, { since: since ?? io.now() - 86_400_000, limit, now: io.now, signal });
    const { checked, findings } = found;
    out.json(found);
    out.lines(
      line`${bold('audit')}        ${count(checked.auditEntries, 'entry', 'entries')}: each link of the chain`,
      line`${bold('runs')}         ${count(checked.runs, 'run')} since ${found.since} or not ended: ${count(checked.events, 'event')} in order, ${count(checked.results, 'step')} recorded once`,
      line`${bold('artifacts')}    ${count(checked.artifacts, 'artifact')}: content by its SHA-256`,
      line`${bold('deployments')}  ${count(checked.deployments, 'deployment')}: board by manifest`,
      line`${bold('budgets')}      ${count(checked.budgets, 'budget')} above runs: what is given by what runs have`,
      ...findings.map(({ about, detail }) => line`${red('found')}  ${about}: ${detail}`),
    );
    if (found.hasMore) out.note(dim(`There are more than were looked at: --limit ${limit * 2}`));
    if (findings.length > 0) {
      throw new CliFailure(
        exitCode.failed,
        `${count(findings.length, 'finding')}: what was recorded is not whole`,
        'Keep the database as it is, and compare it with a backup.',
      );
    }
    out.lines(green('clean'));
  });
}

function sinceOf(given: string, now: number): number {
  if (/^\d+[smhd]$/.test(given)) return now - seconds(given) * 1_000;
  const at = Date.parse(given);
  if (Number.isNaN(at)) throw new InvalidArgumentError('Say it as 24h, 7d, or 2026-11-24T08:00:00Z.');
  return at;
}
