import { ApiError, ConnectionError } from '../../client/api-error.ts';
import type { SignalboxClient } from '../../client/client.ts';
import type { RunDetail } from '../../client/runs.ts';
import { textOf } from '../../client/tools.ts';
import type { ToolResult } from '../../client/tools.ts';
import type { Failure } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { Reply, Task } from './world.ts';

/** Has a task done by the agents, tools and workflows of a server: as a call of its own, not as a step of a run there. */
export async function callLive(client: SignalboxClient, task: Task): Promise<Reply> {
  try {
    return await call(client, task);
  } catch (thrown) {
    return { error: failureOf(thrown) };
  }
}

async function call(client: SignalboxClient, { kind, target, skill, version, input, signal }: Task): Promise<Reply> {
  if (kind === 'tool') {
    const [server = '', tool = ''] = target.split('/', 2);
    return replyOfTool(await client.tools.call(server, tool, (input ?? {}) as Record<string, unknown>, { signal }));
  }
  const started =
    kind === 'workflow'
      ? await client.workflows.start(target, { input }, { signal })
      : await client.agents.invoke(
          target,
          { input, ...(skill !== undefined && { skill }), ...(version !== undefined && { version }) },
          { signal },
        );
  const run = await resultOf(client, started.id, signal);
  if (run.status === 'succeeded') return { output: run.output as Json, usage: run.usage };
  const { code = 'cancelled', detail = 'the call was cancelled', next } = run.error ?? {};
  return { error: { code, detail, ...(next !== undefined && { next }) }, usage: run.usage };
}

/** The ended run; where nobody waits for it any more it is cancelled there too. */
async function resultOf(client: SignalboxClient, id: string, signal: AbortSignal): Promise<RunDetail> {
  try {
    return await client.runs.result(id, { signal });
  } catch (thrown) {
    if (signal.aborted) await client.runs.cancel(id);
    throw thrown;
  }
}

/** As a step's output: structured content, else the text, with the content where not all is text. */
function replyOfTool({ isError, content, structuredContent }: ToolResult): Reply {
  const text = textOf({ isError, content });
  if (isError) return { error: { code: 'invalid', detail: `the tool failed: ${text.slice(0, 2_000) || 'it does not say why'}` } };
  const isAllText = content.every(({ type }) => type === 'text');
  return { output: (structuredContent ?? { text, ...(!isAllText && { content }) }) as Json };
}

function failureOf(thrown: unknown): Failure {
  if (thrown instanceof ApiError) {
    const { code, message, next, retryAfterMs } = thrown;
    return { code, detail: message, ...(next !== undefined && { next }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (thrown instanceof ConnectionError) return { code: thrown.code === 'timeout' ? 'timeout' : 'unavailable', detail: thrown.message };
  return { code: 'internal', detail: (thrown as Error).message };
}
