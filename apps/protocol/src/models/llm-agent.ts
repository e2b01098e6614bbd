import { Injectable } from '@nestjs/common';
import type OpenAI from 'openai';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import type { LlmSpec } from '../targets/agent-spec.ts';
import { TaskGrants } from '../tasks/task-grant.ts';
import type { TaskCall } from '../tasks/task.ts';
import { chatTurn, type Turn } from './chat-turn.ts';
import { modelFault } from './model-fault.ts';
import { Prices } from './prices.ts';
import { promptOf } from './prompt.ts';
import { Providers } from './providers.ts';
import { Toolboxes, type Toolbox } from './toolbox.ts';

const turnsDefault = 10;

interface Conversation {
  call: TaskCall;
  agent: string;
  spec: LlmSpec;
  client: OpenAI;
  parameters: Record<string, unknown>;
  messages: ChatCompletionMessageParam[];
  toolbox: Toolbox;
}

/** Agents that are a model with instructions and tools: calls the model, makes the tool calls that it asks for, until it answers. */
@Injectable()
export class LlmAgent {
  constructor(
    private readonly prices: Prices,
    private readonly providers: Providers,
    private readonly toolboxes: Toolboxes,
    private readonly grants: TaskGrants,
  ) {}

  /** `{ text }`, or the JSON that the skill's output schema asks for. `limited` past `maxTurns` or `maxTokens`. */
  async call(call: TaskCall, agent: string, spec: LlmSpec, skill: Skill | undefined): Promise<unknown> {
    const client = await this.providers.clientOf(spec, call.caller);
    const { messages, parameters } = promptOf(spec.system, skill, call.request.input, call.request.handover);
    if (skill?.outputSchema) {
      parameters['response_format'] = { type: 'json_schema', json_schema: { name: 'output', schema: skill.outputSchema } };
    }
    const converse = async (caller: Caller): Promise<string> => {
      const toolbox = spec.tools?.length
        ? await this.toolboxes.open(spec.tools, caller)
        : { definitions: [], byName: new Map<string, never>() };
      return this.converse({ call, agent, spec, client, parameters, messages, toolbox }, caller);
    };
    const text = await (spec.tools?.length ? this.grants.whileHeld(call.caller, call.id, converse) : converse(call.caller));
    return skill?.outputSchema ? jsonOf(text) : { text };
  }

  private async converse(conversation: Conversation, caller: Caller): Promise<string> {
    const { call, spec, messages, toolbox } = conversation;
    const turnsMax = spec.maxTurns ?? turnsDefault;
    let outputTokens = 0;
    for (let number = 1; number <= turnsMax; number++) {
      const tokensLeft = spec.maxTokens === undefined ? undefined : spec.maxTokens - outputTokens;
      if (tokensLeft !== undefined && tokensLeft <= 0) throw tokensFault(spec);
      const turn = await this.turn(conversation, number, tokensLeft);
      outputTokens += turn.outputTokens;
      if (turn.finishReason === 'length') throw tokensFault(spec);
      if (turn.finishReason === 'content_filter')
        throw new Fault('invalid', 'the provider refused the conversation by its content filter', 'Change what is asked.');
      if (turn.toolCalls.length === 0) return turn.text;
      messages.push({ role: 'assistant', content: turn.text || null, tool_calls: turn.toolCalls });
      const results = await this.toolboxes.callAll(call, toolbox, turn.toolCalls, number, caller);
      turn.toolCalls.forEach(({ id }, index) => messages.push({ role: 'tool', tool_call_id: id, content: results[index]! }));
    }
    throw new Fault('limited', `the model had no answer after ${turnsMax} turns`, 'Raise maxTurns, or make the task smaller.');
  }

  private async turn(
    { call, agent, spec, client, parameters, messages, toolbox }: Conversation,
    number: number,
    tokensLeft: number | undefined,
  ): Promise<Turn> {
    const { model } = spec;
    call.progress(`asks ${model}${number > 1 ? `, turn ${number}` : ''}`);
    const asked = Number(parameters['max_completion_tokens'] ?? Infinity);
    const maxTokens = Math.min(asked, tokensLeft ?? Infinity);
    try {
      const turn = await chatTurn(
        client,
        {
          model,
          messages,
          ...parameters,
          ...(Number.isFinite(maxTokens) && { max_completion_tokens: maxTokens }),
          ...(toolbox.definitions.length > 0 && { tools: toolbox.definitions }),
        },
        {
          signal: call.signal,
          headers: { 'idempotency-key': `${call.request.idempotencyKey}.${number}` },
          onText: (offset, piece) => call.delta(agent, number, offset, piece),
        },
      );
      call.use({
        inputTokens: turn.inputTokens,
        outputTokens: turn.outputTokens,
        costUsd: this.prices.costUsd(model, turn.inputTokens, turn.outputTokens),
      });
      return turn;
    } catch (thrown) {
      throw modelFault(thrown, model, call.signal);
    }
  }
}

function tokensFault({ maxTokens }: LlmSpec): Fault {
  return new Fault(
    'limited',
    `the model was cut off${maxTokens === undefined ? '' : ` at ${maxTokens} tokens`}`,
    'Raise maxTokens, or ask for less.',
  );
}

/** Models wrap JSON in a code fence even when asked not to. */
function jsonOf(text: string): unknown {
  const bare = /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text;
  try {
    return JSON.parse(bare) as unknown;
  } catch (cause) {
    throw new Fault(
      'invalid',
      `the model was to answer with JSON and said: ${withoutSecrets(text).slice(0, 200)}`,
      'Use a model that keeps to a schema, or try again.',
      { cause },
    );
  }
}
