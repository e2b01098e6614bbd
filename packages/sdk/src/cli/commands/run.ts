import type { Command } from 'commander';
import type { SignalboxClient } from '../../client/client.ts';
import type { Run, RunDetail } from '../../client/runs.ts';
import { action, type Context } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect, keyValue, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { cleanText, safeJson } from '../text/clean.ts';
import { bold, cyan, dim, line } from '../text/styled.ts';
import { followRun } from './follow.ts';

interface Options {
  input?: string[];
  label?: string[];
  follow?: boolean;
  idempotencyKey?: string;
  priority?: string;
  local?: boolean;
  mock?: string[];
  child?: string[];
  send?: string[];
  live?: boolean;
}

/** `signalbox run WORKFLOW`, `signalbox run --local FILE`. */
export function addRun(program: Command, io: Io): void {
  const command = program
    .command('run')
    .argument('<workflow>', 'the workflow’s name; with --local its file')
    .description('start a run of a workflow, or play a workflow file in this process')
    .option('--input <key=value>', 'input: key=value, a JSON object, @FILE (JSON or YAML) or -; may be given again', collect)
    .option('--label <name=value>', 'a label to find the run by; may be given again', collect)
    .option('--idempotency-key <key>', 'the same key again within 24 hours gives the same run')
    .option('--priority <1-5>', 'how urgent its steps are: 1 goes first, 5 last; absent: as the workflow says')
    .option('--follow', 'show its steps until it has ended; the exit code is 1 when it failed')
    .option('--local', 'run the file here, in virtual time, on the engine’s own core; nothing is applied or stored')
    .option('--mock <file>', 'with --local: who answers with what; may be given again', collect)
    .option('--child <file>', 'with --local: the file of a workflow that a step runs; may be given again', collect)
    .option('--send <name@after=json>', 'with --local: a signal, as approved@2h={"by":"ann"}; may be given again', collect)
    .option('--live', 'with --local: agents, tools and workflows that nothing mocks are called on the server');
  action(command, io, async (context, options: Options, workflow: string) => {
    const { signal } = context;
    const input = await readInputs(context.io, options.input ?? []);
    const labels = Object.fromEntries((options.label ?? []).map(keyValue));
    if (options.local === true) return playFile(context, workflow, { input, labels }, options);
    for (const only of ['mock', 'child', 'send', 'live'] as const) {
      if (options[only] !== undefined) throw new CliFailure(exitCode.usage, `--${only} is for --local`, 'Add --local, or leave it out.');
    }
    const client = await context.client();
    const priority = options.priority === undefined ? undefined : priorityIn(options.priority);
    const start = { input, ...(options.label && { labels }), ...(priority !== undefined && { priority }) };
    const run = await client.workflows.start(workflow, start, { signal, idempotencyKey: options.idempotencyKey });
    await tellStarted(context, client, run, options.follow === true);
  });
}

function priorityIn(text: string): number {
  if (/^[1-5]$/.test(text)) return Number(text);
  throw new CliFailure(exitCode.usage, `the priority ${text} is not one of 1 to 5`, 'Give 1 for what goes first, 5 for what goes last.');
}

async function playFile(
  context: Context,
  file: string,
  start: { input: Record<string, unknown>; labels: Record<string, string> },
  options: Options,
): Promise<void> {
  const { mock = [], child = [], send = [], live = false } = options;
  const { runLocally, judgeLocal } = await import('./run-local.ts');
  const run = await runLocally(context, file, {
    ...(start as { input: never; labels: Record<string, string> }),
    mock,
    child,
    send,
    isLive: live,
  });
  const { status, output = null, error = null, startedAt, endedAt = startedAt } = run;
  context.out.jsonLine({ type: 'result', run: { status, output, error, tookMs: endedAt - startedAt } });
  context.out.lines(...outputLines(output));
  judgeLocal(run);
}

/** Says which run was started; with `isFollowed` shows it to its end, which judges the command. */
export async function tellStarted(context: Context, client: SignalboxClient, run: Run, isFollowed: boolean): Promise<void> {
  const { out, signal } = context;
  if (!isFollowed) {
    out.json(run);
    const { insteadOf } = run;
    out.lines(
      line`${bold(run.id)} ${run.status}`,
      ...(insteadOf ? [line`${insteadOf.workflow} is scaled back to ${run.workflow}: ${insteadOf.because}`] : []),
      dim(`Follow it: signalbox logs ${run.id} --follow`),
    );
    return;
  }
  try {
    const ended = await followRun(context, client, run.id);
    out.jsonLine({ type: 'result', run: ended });
    out.lines(...outputLines(ended.output));
    judge(ended);
  } catch (error) {
    if (signal.aborted) throw interrupted(run.id, error);
    throw error;
  }
}

/** A run that did not succeed ends the command with exit code 1. */
export function judge(run: RunDetail): void {
  if (run.status === 'succeeded') return;
  const because = run.error?.detail ?? run.reason;
  throw new CliFailure(
    exitCode.failed,
    `the run ${run.id} ${run.status === 'cancelled' ? 'was cancelled' : 'has failed'}${because ? `: ${because}` : ''}`,
    run.error?.next ?? `See its steps: signalbox runs ${run.id}`,
  );
}

/** Ctrl-C leaves the run alone: it goes on by itself. */
export function interrupted(id: string, cause: unknown): CliFailure {
  return new CliFailure(
    exitCode.interrupted,
    'no longer following; the run goes on',
    `Follow it: signalbox logs ${id} --follow. End it: signalbox cancel ${id}`,
    { cause },
  );
}

/** The outputs of a run: a long text is shown by its beginning, artifacts by how to read them. */
function outputLines(output: unknown): (string | ReturnType<typeof line>)[] {
  if (output === null || output === undefined || typeof output !== 'object') return output ? ['', safeJson(output, 2)] : [];
  const entries = Object.entries(output as Record<string, unknown>);
  if (entries.length === 0) return [];
  const lines: (string | ReturnType<typeof line>)[] = [''];
  for (const [name, value] of entries) {
    const artifact = artifactIn(value);
    if (artifact) lines.push(line`${bold(name)}: ${artifact.name ?? artifact.id}  ${cyan(`signalbox artifact get ${artifact.id}`)}`);
    else if (typeof value === 'string') lines.push(...textLines(name, value));
    else lines.push(line`${bold(name)}: ${safeJson(value)}`);
  }
  return lines;
}

/** Of a text output this many lines are shown. */
const textLinesMax = 12;

function textLines(name: string, text: string): (string | ReturnType<typeof line>)[] {
  const all = cleanText(text).trimEnd().split('\n');
  if (all.length === 1) return [line`${bold(name)}: ${all[0] ?? ''}`];
  const hidden = all.length - textLinesMax;
  return [
    line`${bold(name)}:`,
    ...all.slice(0, textLinesMax).map((one) => `  ${one}`),
    ...(hidden > 0 ? [dim(`  and ${hidden} more lines`)] : []),
  ];
}

function artifactIn(value: unknown): { id: string; name?: string } | null {
  if (value === null || typeof value !== 'object' || !('id' in value) || typeof value.id !== 'string') return null;
  return value.id.startsWith('artifact_') || value.id.startsWith('art_') ? (value as { id: string; name?: string }) : null;
}
