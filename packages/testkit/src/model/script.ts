/** A message as it came in a chat completion request. */
export interface ChatMessage {
  role: string;
  content?: unknown;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

/** The part of a chat completion request that scripts look at. */
export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  tools?: { type: string; function: { name: string; description?: string; parameters?: unknown } }[];
  response_format?: { type: string };
  max_completion_tokens?: number;
  [other: string]: unknown;
}

/** What goes wrong instead of an answer, or in the middle of one. */
export type ModelFault =
  /** An HTTP error in OpenAI's shape. */
  | { status: number; message?: string; code?: string; retryAfterMs?: number }
  /** Nothing is sent for this long; then the answer. */
  | { silentMs: number }
  /** The connection is cut after so many pieces of text. */
  | { cutAfter: number }
  /** The answer is no JSON. */
  | { garbage: true };

/** What the scripted model says. */
export interface ModelReply {
  text?: string;
  toolCalls?: { name: string; arguments: unknown }[];
  /** `stop`, or `tool_calls` with tool calls, if absent. */
  finishReason?: string;
  /** Counted from the text if absent. */
  usage?: { inputTokens: number; outputTokens: number };
  fault?: ModelFault;
  /** Pause between two pieces of a stream. */
  pauseMs?: number;
}

export interface ScriptRule {
  /** Text or pattern in the last message, or a decision; absent: always. */
  when?: string | RegExp | ((request: ChatRequest) => boolean);
  /** How often it answers; for ever if absent. */
  times?: number;
  reply: ModelReply | ((request: ChatRequest) => ModelReply);
}

/** Text of a message's content: parts are joined. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return content === undefined || content === null ? '' : JSON.stringify(content);
  return content.map((part: { text?: unknown }) => (typeof part.text === 'string' ? part.text : '')).join('');
}

/** Answers by the first rule that fits and is not used up, the newest rule first. */
export class Script {
  private rules: (ScriptRule & { left: number })[] = [];

  add(rule: ScriptRule): void {
    this.rules.unshift({ ...rule, left: rule.times ?? Infinity });
  }

  clear(): void {
    this.rules = [];
  }

  answer(request: ChatRequest): ModelReply {
    const rule = this.rules.find((candidate) => candidate.left > 0 && fits(candidate, request));
    if (!rule) return { text: `The scripted model has no answer for: ${textOf(request.messages.at(-1)?.content)}` };
    rule.left--;
    return typeof rule.reply === 'function' ? rule.reply(request) : rule.reply;
  }
}

function fits({ when }: ScriptRule, request: ChatRequest): boolean {
  if (when === undefined) return true;
  if (typeof when === 'function') return when(request);
  const text = textOf(request.messages.at(-1)?.content);
  return typeof when === 'string' ? text.includes(when) : when.test(text);
}

/** About as many tokens as a real tokenizer counts; the same for the same text. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
