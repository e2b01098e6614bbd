import type { Context } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';

/** Asks on the terminal; where there is none, `--yes` must have been said. */
export async function confirm(
  context: Context,
  question: string,
  isAgreed: boolean | undefined,
  otherwise = 'Say --yes to go on, or --dry-run to look only.',
): Promise<void> {
  if (isAgreed) return;
  const { ask } = context.io;
  if (!ask) throw new CliFailure(exitCode.usage, 'there is no terminal to ask on', otherwise);
  const answer = await ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliFailure(exitCode.failed, 'nothing was changed', undefined);
}
