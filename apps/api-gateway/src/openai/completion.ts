import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';

/** What all parts of one answer have in common. */
export interface CompletionHead {
  id: string;
  created: number;
  model: string;
}

/** The run's identifier is in the completion's: it is the record of it. */
export function headOf(run: Pick<RunView, 'id' | 'createdAt'>, model: string): CompletionHead {
  return { id: `chatcmpl-${run.id}`, created: Math.floor(Date.parse(run.createdAt) / 1_000), model };
}

function usageOf({ usage: { inputTokens, outputTokens } }: RunView): object {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}

/** A whole `chat.completion`. */
export function completionOf(head: CompletionHead, content: string, run: RunView): object {
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop', logprobs: null }],
    usage: usageOf(run),
  };
}

/** One `chat.completion.chunk`. */
export function chunkOf(head: CompletionHead, delta: object, finishReason: 'stop' | null = null): object {
  return { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finishReason, logprobs: null }] };
}

/** The chunk after the last, for who asked for the usage. */
export function usageChunkOf(head: CompletionHead, run: RunView): object {
  return { ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf(run) };
}
