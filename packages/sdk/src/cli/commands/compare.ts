import type { Command } from 'commander';
import type { ComparedSide, ComparedStep, Difference, RunComparison } from '../../client/runs.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { between } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';

/** Steps that are compared on a terminal; `--json` has as many. */
const stepsMax = 1_000;

/** `signalbox compare A B`. */
export function addCompare(program: Command, io: Io): void {
  const command = program
    .command('compare')
    .argument('<run>', 'a run')
    .argument('<other>', 'the run that it is compared with')
    .description('show two runs side by side: their steps, times, costs, and where inputs and outputs differ')
    .option('--all', 'also steps that do not differ');
  action(command, io, async (context, { all = false }: { all?: boolean }, id: string, other: string) => {
    const client = await context.client();
    const now = context.io.now();
    let page = await client.runs.compare(id, other, { limit: 200 }, { signal: context.signal });
    const steps = [...page.steps];
    while (page.nextCursor !== null && steps.length < stepsMax) {
      page = await client.runs.compare(id, other, { limit: 200, cursor: page.nextCursor }, { signal: context.signal });
      steps.push(...page.steps);
    }
    context.out.json({ ...page, steps });
    context.out.lines(...headLines(page, now));
    const shown = steps.filter(({ isDifferent }) => all || isDifferent);
    if (shown.length === 0) return context.out.lines(`No step differs, of ${steps.length}.`);
    context.out.lines(
      ...table(
        [
          { title: 'STEP', cell: (step) => step.key },
          { title: 'A', cell: ({ a }) => (a === null ? dim('none') : state(a.status)) },
          { title: 'TOOK', cell: ({ a }) => took(a), align: 'right' },
          { title: 'B', cell: ({ b }) => (b === null ? dim('none') : state(b.status)) },
          { title: 'TOOK', cell: ({ b }) => took(b), align: 'right' },
          { title: 'DIFFERS', cell: (step) => differs(step), isFlexible: true },
        ],
        shown,
        context.out.columns,
      ),
      ...shown.flatMap(({ key, input, output }) => [
        ...differenceLines(`${key} input`, input),
        ...differenceLines(`${key} output`, output),
      ]),
    );
    if (page.nextCursor !== null) context.out.note(dim(`Only the first ${stepsMax} steps were compared.`));
  });
}

function headLines({ a, b, isSameDefinition, input, output }: RunComparison, now: number): Styled[] {
  const of = (name: string, run: RunComparison['a']): Styled =>
    line`${bold(name)} ${run.id} ${run.workflow} ${state(run.status)} ${between(run.startedAt, run.endedAt, now)} ${dim(`$${run.usage.costUsd}`)}`;
  return [
    of('A', a),
    of('B', b),
    ...(isSameDefinition ? [] : [line`They are of different definitions.`]),
    ...differenceLines('input', input),
    ...differenceLines('output', output),
    line``,
  ];
}

function took(side: ComparedSide | null): string {
  return side === null || side.durationMs === null ? '' : `${side.durationMs} ms`;
}

function differs({ a, b, input, output }: ComparedStep): string {
  const parts = [
    a?.status !== b?.status && 'status',
    a !== null && b !== null && a.attempts !== b.attempts && `attempts ${a.attempts}, ${b.attempts}`,
    input.length > 0 && 'input',
    output.length > 0 && 'output',
    a !== null && b !== null && a.costUsd !== b.costUsd && `cost $${a.costUsd}, $${b.costUsd}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function differenceLines(title: string, differences: readonly Difference[]): Styled[] {
  return differences.map((each) => line`${title}${each.pointer}: ${shown(each, 'a')} ${dim('→')} ${shown(each, 'b')}`);
}

function shown(difference: Difference, side: 'a' | 'b'): string {
  return side in difference ? (JSON.stringify(difference[side]) ?? '') : 'nothing';
}
