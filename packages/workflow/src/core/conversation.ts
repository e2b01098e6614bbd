import type { Usage } from './events.ts';
import { ExpressionError, type GraphStep } from './graph.ts';
import { sizeOf, type Json } from './json.ts';
import type { Grown, LlmPolicy, LlmTool } from './llm.ts';
import type { StepState, UnitState } from './state.ts';

/** A call as a model made it: `name` as the model knows the tool, `arguments` as it wrote them, `target` absent where it was not offered. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
  target?: LlmTool;
}

/** A model's answer, as the task of its call gives it. */
export interface ModelTurn {
  text: string;
  toolCalls: ToolCall[];
  finishReason: string;
}

/** What a model is told of one result. */
const toldMaxChars = 64_000;
/** A whole conversation: it is sent with every turn, in one message. */
const conversationMaxBytes = 384 * 1024;

/** What each unit is; none before the step has begun. */
export function grownOf({ grown = [] }: StepState): readonly Grown[] {
  return grown;
}

/** Reads a model's answer. What a person gave in its place may be anything: where it is no answer it is the text of one. */
export function turnOf(output: Json | undefined): ModelTurn {
  const { text, toolCalls, finishReason } = (output ?? {}) as Partial<Record<keyof ModelTurn, Json>>;
  if (typeof text === 'string' && Array.isArray(toolCalls) && toolCalls.every(isCall))
    return { text, toolCalls: toolCalls as unknown as ToolCall[], finishReason: finishReason as string };
  const said = typeof output === 'string' ? output : JSON.stringify(output ?? null);
  return { text: said, toolCalls: [], finishReason: 'stop' };
}

function isCall(value: Json): boolean {
  const { id, name, arguments: given, target } = (value ?? {}) as Record<string, Json | undefined>;
  const isText = [id, name, given].every((each) => typeof each === 'string');
  if (!isText || target === undefined) return isText;
  const { tool, agent, skill } = (target ?? {}) as Record<string, Json | undefined>;
  return typeof tool === 'string' || (typeof agent === 'string' && (skill === undefined || typeof skill === 'string'));
}

/** The unit whose turn made the call that unit `i` does. */
export function turnBefore(grown: readonly Grown[], i: number): number {
  while (i > 0 && grown[i]?.k !== 'model') i--;
  return i;
}

/** The call that unit `i` does, with the identifier that the model knows it by. */
export function callOf(step: StepState, i: number): { call: ToolCall; id: string } {
  const grown = grownOf(step);
  const at = turnBefore(grown, i);
  const unit = grown[i] as Grown & { call: number };
  const call = turnOf(step.units[at]?.output).toolCalls[unit.call] as ToolCall;
  return { call, id: idOf(call, at, unit.call) };
}

/** Some models give their calls no identifiers. */
function idOf({ id }: ToolCall, turn: number, call: number): string {
  return id || `call_${turn}_${call}`;
}

/** The input of a unit: a model's conversation so far, or the arguments of a call. `prompt`: what the step's expressions give; `isCounted`: a budget
 * limits what it may use. Throws `ExpressionError`. */
export function llmInput(compiled: GraphStep, step: StepState, i: number, prompt: () => Json, isCounted: boolean, model: string): Json {
  const { key, llm } = compiled;
  const grown = grownOf(step);
  if (grown[i]?.k !== 'model') return argumentsOf(step, i);
  const { tools, output, limits, maxTokens } = llm as LlmPolicy;
  const pointer = `/spec/steps/${key}/llm`;
  const messages = promptMessages(prompt(), pointer);
  for (let index = 0; index < i; index++) messages.push(...messagesOf(step, index));
  messages.push(...said(grown[i]));
  if (sizeOf(messages, conversationMaxBytes) > conversationMaxBytes) {
    const limit = `${conversationMaxBytes} bytes: have tools answer with less, or split the task`;
    throw new ExpressionError(`the conversation is larger than ${limit}`, pointer, 'limited');
  }
  const input = {
    messages,
    ...(tools.length > 0 && { tools: [...tools] as Json[] }),
    ...(output && { output: output.schema }),
    ...(limits.costUsd !== undefined && { isBudgeted: true }),
    ...(isCounted && tools.length > 0 && { toolTokens: toolTokensOf(llm as LlmPolicy) }),
  };
  if (maxTokens === undefined) return input;
  const used = tokensOf(usageOf(step, i));
  const left = limits.tokens - used - (tokensAtMost(compiled, step, i, model, input) ?? 0);
  if (left >= 1) return { ...input, maxTokens: Math.min(maxTokens, left) };
  const most = `${used} of ${limits.tokens} tokens are used, and what the next turn is asked may be ${limits.tokens - used - left}`;
  throw new ExpressionError(most, 'limits.tokens', 'limited');
}

/** What descriptions of tools are taken to be at most, where the step does not say. */
const toolTokensDefault = { one: 2_000, all: 32_000 } as const;

function toolTokensOf({ tools, toolTokens }: LlmPolicy): number {
  if (toolTokens !== undefined) return toolTokens;
  return tools.reduce((sum, tool) => sum + ('tool' in tool && tool.tool.endsWith('/*') ? toolTokensDefault.all : toolTokensDefault.one), 0);
}

/** What a provider adds to a message in tokens of its own, more than any is known to. */
const tokensPerMessage = 16;

/**
 * The most input tokens that a provider can count for a turn: no token is shorter than a byte of text. Of what the same model was asked a turn
 * ago, the count is known. Undefined where something is no text.
 */
export function tokensAtMost(compiled: GraphStep, step: StepState, i: number, model: string, input: Json): number | undefined {
  const { messages, output, toolTokens = 0 } = input as { messages: Json[]; output?: Json; toolTokens?: number };
  const grown = grownOf(step);
  const before = turnBefore(grown, i - 1);
  const { usage, agent = compiled.target } = step.units[before] ?? {};
  let fresh = messages;
  let known = toolTokens + (output === undefined ? 0 : bytesOf(output));
  if (before < i && usage !== undefined && usage.inputTokens > 0 && agent === model) {
    let since = said(grown[i]).length;
    for (let index = before + 1; index < i; index++) since += messagesOf(step, index).length;
    fresh = messages.slice(messages.length - since);
    known = tokensOf(usage);
  }
  if (!fresh.every(isText)) return undefined;
  return known + fresh.reduce<number>((sum, message) => sum + bytesOf(message) + tokensPerMessage, 0);
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Of a picture or a sound, no length says how many tokens it is. */
function isText(message: Json): boolean {
  const { content } = (message ?? {}) as Record<string, Json | undefined>;
  return !Array.isArray(content) || content.every((part) => (part as { type?: Json } | null)?.type === 'text');
}

function promptMessages(value: Json, pointer: string): Json[] {
  const { instructions, prompt, messages } = value as Record<string, Json | undefined>;
  const first: Json[] = instructions === undefined || instructions === null ? [] : [{ role: 'system', content: textOf(instructions) }];
  if (prompt !== undefined) return [...first, { role: 'user', content: textOf(prompt) }];
  if (Array.isArray(messages) && messages.length > 0) return [...first, ...messages];
  throw new ExpressionError('messages must give a list of at least one', `${pointer}/messages`);
}

/** What unit `i` adds to the conversation. */
function messagesOf(step: StepState, i: number): Json[] {
  const grown = grownOf(step)[i] as Grown;
  const unit = step.units[i] as UnitState;
  if (grown.k !== 'model') return [{ role: 'tool', tool_call_id: callOf(step, i).id, content: toldOf(unit) }];
  const { text, toolCalls } = turnOf(unit.output);
  if (text === '' && toolCalls.length === 0) return said(grown);
  const calls = toolCalls.map((call, index) => ({
    id: idOf(call, i, index),
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }));
  return [...said(grown), { role: 'assistant', content: text || null, ...(calls.length > 0 && { tool_calls: calls }) }];
}

/** What was said to the model before a turn, where its answer had been of no use. */
function said(grown: Grown | undefined): Json[] {
  return grown?.k === 'model' && grown.say !== undefined ? [{ role: 'user', content: grown.say }] : [];
}

/** What a model is told of a call that has ended. */
export function toldOf({ output, error }: UnitState): string {
  if (error) return cut(`Error: ${error.detail}${error.next === undefined ? '' : ` ${error.next}`}`);
  const fields = typeof output === 'object' && output !== null && !Array.isArray(output) ? Object.keys(output) : [];
  const isText = fields.length === 1 && fields[0] === 'text';
  return cut(textOf(isText ? ((output as { text: Json }).text ?? null) : (output ?? null)));
}

function cut(text: string): string {
  return text.length <= toldMaxChars ? text : `${text.slice(0, toldMaxChars)}\n[cut: ${text.length - toldMaxChars} characters more]`;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function argumentsOf(step: StepState, i: number): Json {
  return parsed(callOf(step, i).call.arguments || '{}') ?? null;
}

/** The JSON in a text; undefined where it holds none. */
export function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** What the units of a step have used, of those before `end`. */
export function usageOf({ units }: StepState, end = units.length): Usage {
  const sum = { inputTokens: 0, outputTokens: 0, costUsd: 0 };
  for (const { usage } of units.slice(0, end)) {
    sum.inputTokens += usage?.inputTokens ?? 0;
    sum.outputTokens += usage?.outputTokens ?? 0;
    sum.costUsd += usage?.costUsd ?? 0;
  }
  return sum;
}

/** Input and output together. */
export function tokensOf({ inputTokens, outputTokens }: Usage): number {
  return inputTokens + outputTokens;
}

/** Models wrap JSON in a code fence even when asked not to. */
export function jsonOf(text: string): Json | undefined {
  return parsed(/^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text);
}
