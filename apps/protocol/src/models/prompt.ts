import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { Handover } from '@signalbox/shared/contracts/execution/handover.js';
import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

const messageRoles = new Set(['system', 'developer', 'user', 'assistant', 'tool']);
/** What a caller may choose in `parameters` beside its messages; all else is the agent's. */
const parameterNames = [
  'temperature',
  'top_p',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'reasoning_effort',
  'response_format',
  'max_completion_tokens',
] as const;

export interface Prompt {
  messages: ChatCompletionMessageParam[];
  parameters: Record<string, unknown>;
}

/**
 * What the model gets. An input of `{ messages, parameters? }` is a conversation as the OpenAI API has it; text, or an object with the one field
 * `prompt`, `text` or `input`, is what the user says; all else is said as JSON.
 */
export function promptOf(system: string | undefined, skill: Skill | undefined, input: unknown, handover?: Handover): Prompt {
  const instructions = [system, skill?.description && `Your task, ${skill.name}: ${skill.description}`, handover && beforeText(handover)]
    .filter(Boolean)
    .join('\n\n');
  const first: ChatCompletionMessageParam[] = instructions === '' ? [] : [{ role: 'system', content: instructions }];
  const { messages, parameters } = isConversation(input) ? input : { messages: [{ role: 'user', content: said(input) }], parameters: {} };
  return { messages: [...first, ...checked(messages)], parameters: chosen(parameters) };
}

/** What the agents that could not go on had told, as it is said to the model. */
function beforeText({ attempts }: Handover): string {
  const lines = attempts.map(({ agent, detail, messages, partial }) => {
    const said = messages.map(({ message }) => `- ${message}`).join('\n');
    const result = partial === undefined ? '' : `\nIts result so far: ${JSON.stringify(partial)}`;
    return `${agent} (ended: ${detail})${said === '' ? '' : `\n${said}`}${result}`;
  });
  return `Others worked on this task before you and could not end it. Go on from where they were.\n\n${lines.join('\n\n')}`;
}

function isConversation(input: unknown): input is { messages: unknown[]; parameters?: unknown } {
  return typeof input === 'object' && input !== null && Array.isArray((input as { messages?: unknown }).messages);
}

function checked(messages: unknown[]): ChatCompletionMessageParam[] {
  const wrong = messages.findIndex((message) => !messageRoles.has((message as { role?: unknown } | null)?.role as string));
  if (messages.length > 0 && wrong < 0) return messages as ChatCompletionMessageParam[];
  throw new Fault(
    'invalid',
    messages.length === 0 ? 'there is no message' : `message ${wrong} has no role that is known`,
    'Send messages as the OpenAI API has them.',
    {
      errors: [{ pointer: wrong < 0 ? '/input/messages' : `/input/messages/${wrong}/role`, detail: 'is not usable' }],
    },
  );
}

function chosen(parameters: unknown): Record<string, unknown> {
  if (typeof parameters !== 'object' || parameters === null) return {};
  const given = parameters as Record<string, unknown>;
  return Object.fromEntries(
    parameterNames.filter((name) => given[name] !== undefined && given[name] !== null).map((name) => [name, given[name]]),
  );
}

function said(input: unknown): string {
  if (typeof input === 'string') return input;
  if (typeof input === 'object' && input !== null) {
    const entries = Object.entries(input);
    const [name, value] = entries[0] ?? [];
    if (entries.length === 1 && typeof value === 'string' && ['prompt', 'text', 'input'].includes(name!)) return value;
  }
  return JSON.stringify(input ?? {}, null, 2);
}
