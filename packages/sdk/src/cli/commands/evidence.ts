import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Evidence, EvidenceFormat, ReportFormat } from '../../client/evidence.ts';
import { agentVersion } from '../agent-version.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { ago, inTime } from '../text/figures.ts';
import { bold, dim, line, red, type Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface AddOptions {
  file: string[];
  format?: ReportFormat;
  suite?: string;
  source?: string;
}

interface ListEvidenceOptions extends ListOptions {
  metric?: string;
  source?: string;
  format?: EvidenceFormat;
  expired?: boolean;
}

const formats = ['junit', 'lcov', 'sarif', 'json'];
const shownFormats = [...formats, 'eval', 'live'];

/** `signalbox evidence add|measure|list`. */
export function addEvidence(program: Command, io: Io): void {
  const group = program.command('evidence').description('what is known of versions of agents: add reports of CI, list what is there');

  const add = group
    .command('add')
    .argument('<agent>', 'AGENT or AGENT@VERSION; without a version the current one')
    .description('add reports: JUnit XML, LCOV, SARIF, or JSON as { "metrics": { "velocity": 12 } }')
    .requiredOption('--file <file>', 'the report (repeatable); - is standard input', collect)
    .addOption(new Option('--format <format>', 'if the file does not show it').choices(formats))
    .option('--suite <name>', 'JUnit: which tests they are, as integration (else unit); SARIF: which scan (else security)')
    .option('--source <text>', 'where it comes from; of one source the newest counts, of several the worst');
  action(add, io, async (context, { file: files, format, suite, source }: AddOptions, name: string) => {
    const about = agentVersion(name);
    const client = await context.client();
    const added: Evidence[] = [];
    for (const file of files) {
      const content = await readReport(context.io, file);
      const report = { ...about, format: format ?? formatOf(file, content), content, suite, source };
      added.push(await client.evidence.add(report, { signal: context.signal }));
    }
    context.out.json(added);
    context.out.lines(...added.flatMap((one) => addedLines(one, context.io.now())));
  });

  const measure = group
    .command('measure')
    .argument('<agent>', 'AGENT or AGENT@VERSION; without a version the current one')
    .description('have a version measured, by what its manifest says and its calls of the last 7 days did');
  action(measure, io, async (context, _: object, name: string) => {
    const { agent, version } = agentVersion(name);
    const client = await context.client();
    const { added, lacks } = await client.evidence.measure(agent, version, { signal: context.signal });
    context.out.json({ added, lacks });
    context.out.lines(...added.flatMap((one) => addedLines(one, context.io.now())));
    if (added.length === 0 && lacks.length === 0) context.out.lines('It was measured a moment ago.');
    for (const lack of lacks) context.out.lines(line`not measured: ${lack}`);
  });

  const list = addListOptions(
    group
      .command('list', { isDefault: true })
      .argument('<agent>', 'AGENT or AGENT@VERSION')
      .description('evidence for an agent, the newest first')
      .option('--metric <name>', 'only what says something of this metric')
      .option('--source <text>', 'only from there')
      .addOption(new Option('--format <format>', 'only of this format').choices(shownFormats))
      .option('--expired', 'only what is older than 30 days')
      .option('--no-expired', 'only what is not'),
  );
  action(list, io, async (context, { limit, pageSize, ...query }: ListEvidenceOptions, name: string) => {
    const client = await context.client();
    const now = context.io.now();
    const evidence = await listed(
      context,
      { limit, pageSize },
      client.evidence.list({ ...agentVersion(name), ...query, limit: pageSize }, { signal: context.signal }),
    );
    if (evidence.length === 0) return context.out.lines(`No such evidence. Add some: signalbox evidence add ${name} --file junit.xml`);
    context.out.lines(
      ...table(
        [
          { title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
          { title: 'FORMAT', cell: ({ format }) => format },
          { title: 'SOURCE', cell: ({ source }) => source },
          {
            title: 'SAYS',
            cell: ({ metrics }) => metrics.map(({ metric, value }) => `${metric} ${figure(value)}`).join(', '),
            isFlexible: true,
          },
          { title: 'BY', cell: ({ byName }) => byName },
          { title: 'ADDED', cell: ({ createdAt }) => ago(createdAt, now), align: 'right' },
          { title: 'EXPIRES', cell: ({ expired, expiresAt }) => (expired ? red('expired') : inTime(expiresAt, now)), align: 'right' },
        ],
        evidence,
        context.out.columns,
      ),
    );
  });
}

function addedLines(one: Evidence, now: number): Styled[] {
  return [
    line`added to ${bold(`${one.agent}@${one.version}`)} ${dim(`from ${one.source}, expires ${inTime(one.expiresAt, now)}`)}`,
    ...one.metrics.map(({ metric, value }) => line`  ${metric}  ${figure(value)}`),
    ...one.findings.map((finding) => line`  ${dim(finding)}`),
  ];
}

async function readReport(io: Io, file: string): Promise<string> {
  if (file === '-') return io.readStdin();
  try {
    return await readFile(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    throw new CliFailure(exitCode.usage, `cannot read ${file}: ${(error as Error).message}`, 'Check the path.');
  }
}

/** What a report is, by its name and how it begins. */
function formatOf(file: string, content: string): ReportFormat {
  const name = basename(file).toLowerCase();
  const start = content.slice(0, 4_096).trimStart();
  if (name.endsWith('.xml') || start.startsWith('<')) return 'junit';
  if (name.endsWith('.info') || name.endsWith('.lcov') || /^(?:TN|SF):/.test(start)) return 'lcov';
  if (name.endsWith('.sarif') || name.endsWith('.sarif.json') || /"(?:runs|\$schema)"\s*:/.test(start)) return 'sarif';
  if (start.startsWith('{')) return 'json';
  throw new CliFailure(exitCode.usage, `${file} does not show what it is`, `Say --format ${formats.join(', ')}.`);
}

function figure(value: number): string {
  return String(Number(value.toPrecision(6)));
}
