import { Injectable } from '@nestjs/common';
import OpenAI from 'openai';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { ModelTurn } from '@signalbox/shared/contracts/protocol/model-turn.js';
import type { ModelTarget } from '@signalbox/shared/contracts/protocol/start-task.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { nothing, type TaskCall } from '../tasks/task.ts';
import { outputInlineMax } from '../tasks/output-limit.ts';
import { chatTurn } from './chat-turn.ts';
import { modelFault } from './model-fault.ts';
import { ModelOffers } from './model-offers.ts';
import { Prices } from './prices.ts';
import { promptOf } from './prompt.ts';
import { Providers } from './providers.ts';

/** Makes one turn of a conversation that somebody else keeps. What the model calls is his to do. */
@Injectable()
export class ModelTargets {
  constructor(
    private readonly providers: Providers,
    private readonly offers: ModelOffers,
    private readonly prices: Prices,
  ) {}

  /** What is to be done, ready to be called: what is wrong with the request shows before the model is bothered. */
  async prepare(call: TaskCall, target: ModelTarget): Promise<() => Promise<ModelTurn>> {
    const { model, messages: given, tools = [], output, maxTokens, isBudgeted, toolTokens } = target;
    if (isBudgeted === true && !this.prices.knows(model)) {
      const next = 'Name it in MODEL_PRICES, or leave limits.costUsd out of the step.';
      throw new Fault('invalid', `nobody knows what the model ${model} costs, and its cost is limited`, next);
    }
    const { messages } = promptOf(undefined, undefined, { messages: given });
    const turn = 1 + messages.filter(({ role }) => role === 'assistant').length;
    const { definitions, targets } = await this.offers.open(tools, call.caller);
    const bytes = definitions.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(definitions));
    if (bytes > (toolTokens ?? Infinity)) {
      const detail = `the tools of the model are described in ${bytes} bytes, and its budget has set aside ${toolTokens} tokens for them`;
      throw new Fault('invalid', detail, 'Name the tools that it needs, or give llm.toolTokens.');
    }
    const client = this.providers.defaultClient();
    const request = {
      model,
      messages: messages satisfies ChatCompletionMessageParam[],
      ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
      ...(definitions.length > 0 && { tools: definitions }),
      ...(output && { response_format: { type: 'json_schema' as const, json_schema: { name: 'output', schema: output } } }),
    };
    return async () => {
      call.progress(`asks ${model}`);
      try {
        const said = await chatTurn(client, request, {
          signal: call.signal,
          headers: { 'idempotency-key': call.request.idempotencyKey },
          onText: (offset, piece) => call.delta(model, turn, offset, piece),
        });
        const { text, toolCalls, finishReason, inputTokens, outputTokens } = said;
        call.use({ inputTokens, outputTokens, costUsd: this.prices.costUsd(model, inputTokens, outputTokens) });
        return bounded({
          text,
          toolCalls: toolCalls.map(({ id, function: { name, arguments: written } }) => {
            const known = targets.get(name);
            return { id, name, arguments: written, ...(known && { target: known }) };
          }),
          finishReason,
          model,
        });
      } catch (thrown) {
        if (isRefused(thrown)) call.use(nothing);
        throw modelFault(thrown, model, call.signal);
      }
    };
  }
}

/** Whether the provider answered with an error before it had written anything. */
function isRefused(thrown: unknown): boolean {
  return thrown instanceof OpenAI.APIError && thrown.status !== undefined && thrown.status !== 408 && thrown.status !== 504;
}

/** A turn is said again to the model before each later one: what does not fit a message is no turn. */
function bounded(turn: ModelTurn): ModelTurn {
  const bytes = Buffer.byteLength(JSON.stringify(turn));
  if (bytes <= outputInlineMax) return turn;
  throw new Fault('invalid', `the model answered with ${bytes} bytes, at most ${outputInlineMax} fit a turn`, 'Ask for less at once.');
}
