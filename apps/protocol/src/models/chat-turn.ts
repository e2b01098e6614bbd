import type OpenAI from 'openai';
import type { ChatCompletionCreateParamsStreaming, ChatCompletionMessageFunctionToolCall } from 'openai/resources/chat/completions';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** What a model said in one turn. */
export interface Turn {
  text: string;
  toolCalls: ChatCompletionMessageFunctionToolCall[];
  finishReason: string;
  inputTokens: number;
  outputTokens: number;
}

/** More text than this in one turn is no answer but a fault. */
const textMax = 8 * 1024 * 1024;
const toolCallsMax = 128;

/** One streamed call to a model. `onText` hears each piece and what came before it. */
export async function chatTurn(
  client: OpenAI,
  request: Omit<ChatCompletionCreateParamsStreaming, 'stream' | 'stream_options'>,
  { signal, headers, onText }: { signal: AbortSignal; headers: Record<string, string>; onText: (offset: number, piece: string) => void },
): Promise<Turn> {
  const stream = await client.chat.completions.create(
    { ...request, stream: true, stream_options: { include_usage: true } },
    { signal, headers },
  );
  const turn: Turn = { text: '', toolCalls: [], finishReason: '', inputTokens: 0, outputTokens: 0 };
  for await (const { choices, usage } of stream) {
    if (usage) {
      turn.inputTokens = usage.prompt_tokens;
      turn.outputTokens = usage.completion_tokens;
    }
    const choice = choices?.[0];
    if (!choice) continue;
    const { content, tool_calls: fragments } = choice.delta ?? {};
    if (content) {
      onText(turn.text.length, content);
      turn.text += content;
      if (turn.text.length > textMax) throw new Fault('limited', `the model wrote more than ${textMax} characters`, 'Set maxTokens.');
    }
    for (const { index, id, function: called } of fragments ?? []) {
      if (index >= toolCallsMax)
        throw new Fault('limited', `the model called more than ${toolCallsMax} tools at once`, 'Ask for less at once.');
      const toolCall = (turn.toolCalls[index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } });
      if (id) toolCall.id = id;
      toolCall.function.name += called?.name ?? '';
      toolCall.function.arguments += called?.arguments ?? '';
    }
    if (choice.finish_reason) turn.finishReason = choice.finish_reason;
  }
  if (turn.finishReason === '')
    throw new Fault('unavailable', 'the stream of the model ended before the answer did', 'Try again.', { retryAfterMs: 1_000 });
  turn.toolCalls = turn.toolCalls.filter(Boolean);
  return turn;
}
