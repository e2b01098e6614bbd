import type { Command } from 'commander';
import type { SignalboxClient } from '../../client/client.ts';
import type { Drift, DriftItem, DriftRepair } from '../../client/deployments.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { count } from '../text/figures.ts';
import { bold, dim, line, type Styled, yellow } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { confirm } from './confirm.ts';

interface Options {
  repair?: boolean;
  dryRun?: boolean;
  yes?: boolean;
}

/** As many as the board's list. */
const deploymentsMax = 200;

/** `signalbox drift [NAME]`. */
export function addDrift(program: Command, io: Io): void {
  const command = program
    .command('drift')
    .argument('[name]', 'the deployment; all of them if left out')
    .description('show where deployments are not as their manifests want them; the exit code is 1 when one is not')
    .option('--repair', 'put it right, as far as the registry can; shows what it does before it begins')
    .option('--dry-run', 'with --repair: only show what it would do')
    .option('--yes', 'with --repair: do not ask');
  action(command, io, async (context, options: Options, name?: string) => {
    const client = await context.client();
    if (!options.repair) return show(context, client, name);
    if (name === undefined)
      throw new CliFailure(exitCode.usage, '--repair needs the name of a deployment', 'signalbox drift NAME --repair');
    await repair(context, client, name, options);
  });
}

async function show({ out, signal }: Context, client: SignalboxClient, name: string | undefined): Promise<void> {
  const names =
    name === undefined ? (await client.deployments.list({ limit: 200 }, { signal }).take(deploymentsMax)).map((one) => one.name) : [name];
  const drifts: Drift[] = [];
  for (const each of names) drifts.push(await client.deployments.drift(each, { signal }));
  out.json(name === undefined ? drifts : drifts[0]);
  for (const drift of drifts) out.lines(...driftLines(drift, out.columns));
  const drifted = drifts.filter(({ items }) => items.length > 0).map((drift) => drift.name);
  if (drifted.length === 0) return;
  const which = drifted.length > 1 ? 'NAME' : drifted[0]!;
  throw new CliFailure(
    exitCode.failed,
    `not as wanted: ${drifted.join(', ')}`,
    drifts.some(({ items }) => items.some((item) => item.repair))
      ? `See what a repair does: signalbox drift ${which} --repair --dry-run`
      : undefined,
  );
}

async function repair(context: Context, client: SignalboxClient, name: string, { dryRun, yes }: Options): Promise<void> {
  const { out, signal } = context;
  const preview = await client.deployments.repair(name, { dryRun: true }, { signal });
  out.lines(...repairLines(name, preview, out.columns));
  if (dryRun || preview.repairs.length === 0) out.json(preview);
  else {
    await confirm(context, `Repair ${count(preview.repairs.length, 'member')} of ${name}?`, yes);
    out.json(await client.deployments.repair(name, {}, { signal }));
    out.lines(line`${bold(name)} is being repaired. ${dim(`Watch it: signalbox board ${name} --watch`)}`);
  }
  if (preview.left.length > 0) throw new CliFailure(exitCode.failed, `no repair for: ${membersOf(preview.left)}`, preview.left[0]?.next);
}

function driftLines({ name, items, more }: Drift, columns: number): Styled[] {
  if (items.length === 0) return [line`${bold(name)} is as its manifest wants it.`];
  return [
    line`${bold(name)} is not as its manifest wants it:`,
    ...itemLines(items, columns),
    ...(more > 0 ? [dim(`and ${more} more`)] : []),
  ];
}

function itemLines(items: readonly DriftItem[], columns: number): Styled[] {
  return table<DriftItem>(
    [
      { title: 'MEMBER', cell: ({ member }) => member },
      { title: 'WHAT', cell: ({ aspect }) => aspect },
      { title: 'WANTED', cell: ({ wanted }) => wanted },
      { title: 'THERE', cell: ({ actual }) => actual },
      { title: 'REPAIR', cell: (item) => item.repair ?? dim('none') },
      { title: 'BECAUSE', cell: ({ because, next }) => (next ? `${because}. ${next}` : because), isFlexible: true },
    ],
    items,
    columns,
  );
}

function repairLines(name: string, { repairs, left }: DriftRepair, columns: number): Styled[] {
  if (repairs.length === 0 && left.length === 0) return [line`${bold(name)} is as its manifest wants it: nothing to repair.`];
  const lines =
    repairs.length === 0
      ? []
      : table<DriftRepair['repairs'][number]>(
          [
            { title: 'MEMBER', cell: ({ member }) => member },
            { title: 'REPAIR', cell: (each) => yellow(each.repair) },
            { title: 'BECAUSE', cell: ({ because, disturbs }) => `${because}${disturbed(disturbs)}`, isFlexible: true },
          ],
          repairs,
          columns,
        );
  return left.length === 0 ? lines : [...lines, line`No repair for:`, ...itemLines(left, columns)];
}

function disturbed(disturbs: DriftRepair['repairs'][number]['disturbs']): string {
  if (!disturbs) return '';
  const tasks = disturbs.tasks > 0 ? [`${count(disturbs.tasks, 'task')} in hand`] : [];
  const others = disturbs.deployments.length > 0 ? [`also in: ${disturbs.deployments.join(', ')}`] : [];
  return `. Disturbs: ${[...tasks, ...others].join('; ')}`;
}

function membersOf(items: readonly DriftItem[]): string {
  return [...new Set(items.map(({ member }) => member))].join(', ');
}
