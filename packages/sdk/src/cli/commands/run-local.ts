import { durationMs } from '@signalbox/workflow/core/duration.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { eventOf } from '@signalbox/workflow/views/event-view.js';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { SignalboxClient } from '../../client/client.ts';
import type { Context } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { callLive } from '../local/live-calls.ts';
import { artifactReply } from '../local/mocks.ts';
import { LocalState } from '../local/state.ts';
import { play } from '../local/world.ts';
import type { Reply, Task } from '../local/world.ts';
import { duration } from '../text/figures.ts';
import { dim, line } from '../text/styled.ts';
import { eventLine } from '../views/event-line.ts';
import { readWorkflow } from '../workflow-files/read-workflow.ts';
import { childOf, notMocked } from '../workflow-tests/play-case.ts';
import { readMocks } from '../workflow-tests/suite.ts';
import type { Mocks } from '../local/mocks.ts';

/** How a file is run here. */
export interface LocalOptions {
  input: Json;
  labels: Record<string, string>;
  mock: readonly string[];
  child: readonly string[];
  send: readonly string[];
  isLive: boolean;
}

/** Runs a workflow file in this process, shows each step as it happens, and gives the ended run. Nothing is applied or stored. */
export async function runLocally(context: Context, path: string, options: LocalOptions): Promise<RunState> {
  const { io, out, signal } = context;
  const file = await readWorkflow(io, path);
  const children = await Promise.all(options.child.map((one) => readWorkflow(io, one)));
  const workflows = new Map([file, ...children].map((one) => [one.manifest.metadata.name, one]));
  const mocks = await Promise.all(options.mock.map((one) => readMocks(io, one)));
  const client = options.isLive ? await context.client() : undefined;
  try {
    checkInput(file.manifest.spec.input, options.input);
    const startAt = io.now();
    const script = { input: options.input, labels: options.labels, startAt, signals: options.send.map(signalOf), seed: startAt };
    const state = new LocalState();
    let seq = 0;
    return await play(
      file.graph,
      script,
      {
        child: (name, input) => childOf(workflows, name, input),
        reply: (task) => replyTo(task, mocks, state, client),
        seen: (run, transition) => {
          const event = eventOf(run.run, run.graph, seq++, transition);
          if (event === undefined) return;
          out.jsonLine(event);
          out.lines(line`${run.parent === undefined ? '' : dim(`${run.graph.name} `)}${eventLine(event, true)}`);
        },
      },
      signal,
    );
  } catch (thrown) {
    if (thrown instanceof Fault)
      throw new CliFailure(exitCode.usage, thrown.detail, thrown.next, { cause: thrown, errors: thrown.errors ?? [] });
    if (thrown instanceof ExpressionError)
      throw new CliFailure(exitCode.usage, `${thrown.pointer}: ${thrown.message}`, 'Correct the mock.');
    throw thrown;
  }
}

function replyTo(task: Task, mocks: readonly Mocks[], state: LocalState, client: SignalboxClient | undefined): Reply | Promise<Reply> {
  for (const one of mocks) {
    const reply = one.replyTo(task);
    if (reply !== undefined) return reply;
  }
  if (task.kind === 'artifact') return artifactReply(task);
  if (task.kind === 'state') return state.replyTo(task);
  if (task.kind === 'approval') return {}; // nobody answers
  // A server calls models for its own runs alone.
  if (client !== undefined && task.kind !== 'model') return callLive(client, task);
  return {
    error: {
      ...notMocked(task),
      next: task.kind === 'model' ? 'Mock it by --mock FILE.' : 'Mock it by --mock FILE, or have the server do it by --live.',
    },
  };
}

/** `approved@2h` or `approved@2h={"by": "ann"}`. */
function signalOf(text: string): { name: string; afterMs: number; data: Json } {
  const [, name, after, data] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})@([0-9]+(?:ms|s|m|h|d)?)(?:=(.*))?$/s.exec(text) ?? [];
  const afterMs = durationMs(/^[0-9]+$/.test(after ?? '') ? Number(after) : after);
  if (name === undefined || afterMs === undefined) {
    throw new CliFailure(exitCode.usage, `${text} is no signal`, 'Give NAME@AFTER or NAME@AFTER=JSON, as approved@2h.');
  }
  return { name, afterMs, data: data === undefined ? null : jsonOf(data) };
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** A local run that did not succeed ends the command with exit code 1. */
export function judgeLocal({ status, error, reason, startedAt, endedAt = startedAt }: RunState): void {
  if (status === 'succeeded') return;
  const because = error?.detail ?? reason;
  const told = `the run ${status === 'cancelled' ? 'was cancelled' : 'has failed'} after ${duration(endedAt - startedAt)}`;
  throw new CliFailure(exitCode.failed, `${told}${because ? `: ${because}` : ''}`, error?.next);
}
