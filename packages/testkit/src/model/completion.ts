import { countTokens, textOf, type ChatRequest, type ModelReply } from './script.ts';

/** Pieces of text in a stream: small, as real models send them. */
const pieceLength = 12;

interface Shape {
  id: string;
  created: number;
}

function usageOf(request: ChatRequest, reply: ModelReply): object {
  const input = reply.usage?.inputTokens ?? request.messages.reduce((sum, { content }) => sum + countTokens(textOf(content)), 0);
  const output = reply.usage?.outputTokens ?? countTokens((reply.text ?? '') + JSON.stringify(reply.toolCalls ?? ''));
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

function toolCallsOf(
  id: string,
  { toolCalls = [] }: ModelReply,
): { id: string; type: string; function: { name: string; arguments: string } }[] {
  return toolCalls.map(({ name, arguments: given }, index) => ({
    id: `call_${id}_${index}`,
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }));
}

function finishOf({ finishReason, toolCalls }: ModelReply): string {
  return finishReason ?? (toolCalls?.length ? 'tool_calls' : 'stop');
}

/** A `chat.completion`. */
export function completionOf(request: ChatRequest, reply: ModelReply, { id, created }: Shape): object {
  const calls = toolCallsOf(id, reply);
  return {
    id,
    object: 'chat.completion',
    created,
    model: request.model,
    system_fingerprint: 'scripted',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: reply.text ?? null, refusal: null, ...(calls.length > 0 && { tool_calls: calls }) },
        finish_reason: finishOf(reply),
        logprobs: null,
      },
    ],
    usage: usageOf(request, reply),
  };
}

/** The `chat.completion.chunk`s of a stream, in order. */
export function chunksOfCompletion(request: ChatRequest, reply: ModelReply, { id, created }: Shape): object[] {
  const base = { id, object: 'chat.completion.chunk', created, model: request.model, system_fingerprint: 'scripted' };
  const chunk = (delta: object, finishReason: string | null = null): object => ({
    ...base,
    choices: [{ index: 0, delta, finish_reason: finishReason, logprobs: null }],
  });
  const text = reply.text ?? '';
  const pieces = Array.from({ length: Math.ceil(text.length / pieceLength) }, (_, index) =>
    chunk({ content: text.slice(index * pieceLength, (index + 1) * pieceLength) }),
  );
  // Names come whole, arguments in two fragments: clients must put them together by index.
  const calls = toolCallsOf(id, reply).flatMap(({ function: { name, arguments: given }, ...call }, index) => {
    const half = Math.ceil(given.length / 2);
    return [
      chunk({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] }),
      ...[given.slice(0, half), given.slice(half)].map((fragment) => chunk({ tool_calls: [{ index, function: { arguments: fragment } }] })),
    ];
  });
  return [
    chunk({ role: 'assistant', content: '' }),
    ...pieces,
    ...calls,
    chunk({}, finishOf(reply)),
    ...(request.stream_options?.include_usage ? [{ ...base, choices: [], usage: usageOf(request, reply) }] : []),
  ];
}
