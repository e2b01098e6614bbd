import { Fault } from '@signalbox/shared/errors/fault.js';

const messageRoles = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);
const messagesMax = 2_000;
/** What is passed on to agents that are models; the agent's own instructions, model and tools stay. */
const passedOn = [
  'temperature',
  'top_p',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'reasoning_effort',
  'response_format',
] as const;

/** A request for a chat completion, of which we understand this much; what else it has is ignored. */
export interface ChatRequest {
  model: string;
  messages: { role: string; content?: unknown }[];
  isStreamed: boolean;
  includeUsage: boolean;
  parameters: Record<string, unknown>;
}

/** Checks a request as the OpenAI API does. `invalid` names the field. */
export function parseChatRequest(body: unknown): ChatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('', 'the body must be a JSON object');
  const given = body as Record<string, unknown>;
  const { model, messages, n, stream, stream_options: streamOptions, response_format: format } = given;
  if (typeof model !== 'string' || model === '') throw wrong('/model', 'you must provide a model parameter');
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > messagesMax)
    throw wrong('/messages', `messages must be a list of 1 to ${messagesMax}`);
  messages.forEach((message: unknown, index) => {
    const { role } = (message ?? {}) as { role?: unknown };
    if (typeof role !== 'string' || !messageRoles.has(role)) throw wrong(`/messages/${index}/role`, `messages[${index}] has no known role`);
  });
  if (n !== undefined && n !== null && n !== 1) throw wrong('/n', 'only one choice (n = 1) is made');
  checkFormat(format);
  const maxTokens = given['max_completion_tokens'] ?? given['max_tokens'] ?? undefined;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && (maxTokens as number) > 0))
    throw wrong('/max_completion_tokens', 'must be a positive integer');
  return {
    model,
    messages: messages as ChatRequest['messages'],
    isStreamed: stream === true,
    includeUsage: stream === true && (streamOptions as { include_usage?: unknown } | null | undefined)?.include_usage === true,
    parameters: {
      ...Object.fromEntries(
        passedOn.filter((name) => given[name] !== undefined && given[name] !== null).map((name) => [name, given[name]]),
      ),
      ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
    },
  };
}

function checkFormat(format: unknown): void {
  if (format === undefined || format === null) return;
  const { type, json_schema: schema } = format as { type?: unknown; json_schema?: { name?: unknown; schema?: unknown } };
  if (type !== 'text' && type !== 'json_object' && type !== 'json_schema')
    throw wrong('/response_format/type', 'must be text, json_object or json_schema');
  const isSchema = typeof schema?.name === 'string' && typeof schema.schema === 'object' && schema.schema !== null;
  if (type === 'json_schema' && !isSchema) throw wrong('/response_format/json_schema', 'must have a name and a schema');
}

function wrong(pointer: string, detail: string): Fault {
  return new Fault('invalid', detail, 'Correct it and send it again.', { errors: [{ pointer, detail }] });
}

/** The text of a message: parts that are text, joined. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => part as { type?: unknown; text?: unknown } | null)
    .filter((part) => part?.type === 'text' && typeof part.text === 'string')
    .map((part) => part!.text as string)
    .join('\n');
}

/**
 * What an agent that is no conversation partner, or a workflow, gets: the last message's JSON object, so that every field can be given, else
 * `{ prompt }`.
 */
export function inputOf({ messages }: ChatRequest): Record<string, unknown> {
  const text = textOf(messages.at(-1)?.content);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // it is plain text
  }
  return { prompt: text };
}
