import type { Json } from '@signalbox/workflow/core/json.js';
import type { Reply, Task } from './world.ts';

/** A call that a mocked model makes. */
export interface MockedCall {
  tool?: string;
  agent?: string;
  skill?: string;
  with?: Json;
}

/** What a mocked model answers, as the task of its call gives it: text, JSON for a form that was asked for, or calls. */
export function turnReply({ output, ...rest }: Reply, calls: readonly MockedCall[] | undefined, { target }: Task): Reply {
  if (rest.error) return rest;
  const toolCalls = (calls ?? []).map((call, index) => ({
    id: `call_${index}`,
    name: call.tool?.replace('/', '__') ?? `agent_${call.agent}__${call.skill ?? 'ask'}`,
    arguments: JSON.stringify(call.with ?? {}),
    target:
      call.tool === undefined ? { agent: call.agent ?? '', ...(call.skill !== undefined && { skill: call.skill }) } : { tool: call.tool },
  }));
  const finishReason = toolCalls.length > 0 ? 'tool_calls' : 'stop';
  return { ...rest, output: { text: textOf(output ?? null), toolCalls, finishReason, model: target } };
}

function textOf(output: Json): string {
  if (typeof output === 'string') return output;
  return output === null ? '' : JSON.stringify(output);
}
