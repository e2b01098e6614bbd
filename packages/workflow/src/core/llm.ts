import type { Limits } from './budget.ts';
import {
  callOf,
  grownOf,
  jsonOf,
  parsed,
  tokensOf,
  toldOf,
  turnBefore,
  turnOf,
  usageOf,
  type ModelTurn,
  type ToolCall,
} from './conversation.ts';
import type { Failure } from './events.ts';
import type { GraphStep } from './graph.ts';
import type { Json } from './json.ts';
import type { StepState } from './state.ts';

/** An answer of the wrong form is told to the model so often. */
const correctionsMax = 2;
/** So many turns that are the same in calls and results are no progress. */
const sameTurns = 3;

/** What a model may call: `server/tool`, `server/*`, or an agent, by one of its skills or by all. */
export type LlmTool = { tool: string } | { agent: string; skill?: string };

/** What the workflow says of an `llm` step, whatever the run. */
export interface LlmPolicy {
  tools: readonly LlmTool[];
  /** Those of them that people approve before each call. */
  approve?: readonly LlmTool[];
  /** The form of the answer. `check` says what is wrong with one, undefined if nothing. */
  output?: { schema: Record<string, Json>; check: (value: Json) => string | undefined };
  /** The most output tokens of one turn. */
  maxTokens?: number;
  /** The most that the descriptions of what it may call take of a turn, where that is counted. */
  toolTokens?: number;
  /** What a call to an agent may use at most. */
  most?: readonly { of: LlmTool; most: Limits }[];
  limits: { turns: number; tokens: number; costUsd?: number; timeMs: number };
}

/**
 * One unit of an `llm` step. `model`: the next turn, after something was said to the model where its answer was of no use; `tool` and `agent`:
 * what call number `call` of the turn before asks for; `unknown`: that call names nothing that was offered.
 */
export type Grown =
  | { k: 'model'; say?: string; why?: Useless }
  | { k: 'tool'; tool: string; call: number }
  | { k: 'agent'; agent: string; skill?: string; call: number }
  | { k: 'unknown'; call: number };

type Useless = 'empty' | 'invalid';

/** Who does what a model called, with no name where nobody does; undefined for the model itself. */
export function workOfGrown(grown: Grown | undefined): { kind: 'tool' | 'agent'; target: string; skill?: string } | undefined {
  if (grown?.k === 'tool') return { kind: 'tool', target: grown.tool };
  if (grown?.k === 'unknown') return { kind: 'tool', target: '' };
  if (grown?.k !== 'agent') return undefined;
  return { kind: 'agent', target: grown.agent, ...(grown.skill !== undefined && { skill: grown.skill }) };
}

/** What is wrong with a call before anybody makes it; the model is told. */
export function faultOfCall({ llm }: GraphStep, step: StepState, i: number): Failure | undefined {
  const grown = grownOf(step)[i];
  if (grown === undefined || grown.k === 'model') return undefined;
  const { call } = callOf(step, i);
  if (grown.k === 'unknown') {
    const names = (llm as LlmPolicy).tools.map((tool) => ('tool' in tool ? tool.tool : tool.agent)).join(', ') || 'none';
    return { code: 'not_found', detail: `there is no tool ${call.name.slice(0, 100)}.`, next: `What can be called: ${names}.` };
  }
  const input = parsed(call.arguments || '{}');
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return undefined;
  const what = input === undefined ? 'not JSON' : 'no JSON object';
  return { code: 'invalid', detail: `the arguments are ${what}.`, next: 'Give the arguments by name.' };
}

/** What a call to an agent can use at most, as far as the workflow says it. */
export function mostOfCall(step: StepState, { llm }: GraphStep, i: number): Limits | undefined {
  const work = workOfGrown(grownOf(step)[i]);
  if (work?.kind !== 'agent') return undefined;
  const target: LlmTool = { agent: work.target, ...(work.skill !== undefined && { skill: work.skill }) };
  return llm?.most?.find(({ of }) => covers(of, target))?.most;
}

/** What people are asked before a call is made; undefined where nobody is. */
export function questionOf({ key, label, llm }: GraphStep, step: StepState, i: number): string | undefined {
  const work = workOfGrown(grownOf(step)[i]);
  if (work === undefined) return undefined;
  const target: LlmTool =
    work.kind === 'tool' ? { tool: work.target } : { agent: work.target, ...(work.skill !== undefined && { skill: work.skill }) };
  if (llm?.approve?.some((asked) => covers(asked, target)) !== true) return undefined;
  return `${label ?? key}: the model wants to call ${work.target}${work.skill === undefined ? '' : `, ${work.skill}`}.`;
}

/** What the model is told of a call that people did not approve. */
export function refusedCall(error: Failure): Failure {
  return { code: error.code, detail: `${error.detail}.`, next: 'Do without this call, or propose another.' };
}

/** Why a model's answer ends the step, though the call succeeded. */
export function refusalOf(grown: Grown | undefined, output: Json): Failure | undefined {
  if (grown?.k !== 'model') return undefined;
  const { finishReason } = turnOf(output);
  if (finishReason === 'length')
    return {
      code: 'limited',
      isFinal: true,
      detail: 'the model was cut off before its answer ended',
      next: 'Raise maxTokens, or ask for less.',
    };
  if (finishReason !== 'content_filter') return undefined;
  const detail = 'the provider refused the conversation by its content filter';
  return { code: 'invalid', isFinal: true, detail, next: 'Change what is asked.' };
}

/** Whether the failure of a unit is told to the model; all others end the step. */
export function isTold(grown: Grown | undefined, error: Failure): boolean {
  return grown !== undefined && grown.k !== 'model' && error.isFinal !== true;
}

/** The failure that ended the step. */
export function fatalOf(step: StepState): Failure | undefined {
  const index = step.units.findIndex(({ error }, i) => error !== undefined && !isTold(grownOf(step)[i], error));
  return step.units[index]?.error;
}

/** What follows when all units have ended: more of them, the end of the step, or its failure. */
export type Next = { grow: Grown[] } | { fail: Failure } | 'join';

/** Decides what follows in an `llm` step whose units have all ended. */
export function nextOf({ llm }: GraphStep, step: StepState): Next {
  const policy = llm as LlmPolicy;
  const grown = grownOf(step);
  const last = grown.length - 1;
  const before = grown[last] as Grown;
  if (before.k !== 'model') return failing(stuckOf(step) ?? limitOf(policy, step)) ?? { grow: [{ k: 'model' }] };
  const turn = turnOf(step.units[last]?.output);
  if (turn.toolCalls.length > 0)
    return failing(limitOf(policy, step)) ?? { grow: turn.toolCalls.map((call, index) => grownFor(policy, call, index)) };
  const useless = uselessnessOf(policy, turn);
  if (useless === undefined) return 'join';
  return failing(useless.isLast(step) ?? limitOf(policy, step)) ?? { grow: [{ k: 'model', say: useless.say, why: useless.why }] };
}

function failing(fail: Failure | undefined): { fail: Failure } | undefined {
  return fail && { fail };
}

function grownFor({ tools }: LlmPolicy, { target }: ToolCall, call: number): Grown {
  if (target === undefined || !tools.some((offered) => covers(offered, target))) return { k: 'unknown', call };
  if ('tool' in target) return { k: 'tool', tool: target.tool, call };
  return { k: 'agent', agent: target.agent, ...(target.skill !== undefined && { skill: target.skill }), call };
}

/** Whether what is offered is, or holds, this one. */
export function covers(offered: LlmTool, target: LlmTool): boolean {
  if ('tool' in offered) {
    if (!('tool' in target)) return false;
    return offered.tool === target.tool || (offered.tool.endsWith('/*') && target.tool.startsWith(offered.tool.slice(0, -1)));
  }
  return 'agent' in target && offered.agent === target.agent && (offered.skill === undefined || offered.skill === target.skill);
}

interface Uselessness {
  why: Useless;
  say: string;
  /** The failure of the step, where it has been said often enough. */
  isLast: (step: StepState) => Failure | undefined;
}

/** Why an answer cannot be the step's output, if so. */
function uselessnessOf({ output }: LlmPolicy, { text }: ModelTurn): Uselessness | undefined {
  if (text.trim() === '') {
    const detail = 'no progress: the model answered with nothing twice in a row';
    return {
      why: 'empty',
      say: 'Your answer was empty. Answer, or call a tool.',
      isLast: (step) => (inARow(step, 'empty') < 1 ? undefined : limited(detail, 'Say in the instructions what an answer is.')),
    };
  }
  if (output === undefined) return undefined;
  const value = jsonOf(text);
  const wrong = value === undefined ? 'it is not JSON' : output.check(value);
  if (wrong === undefined) return undefined;
  const detail = `the model’s answer was not of the form that output asks for, ${correctionsMax + 1} times in a row: ${wrong}`;
  return {
    why: 'invalid',
    say: `Your answer does not have the form that was asked for: ${wrong}. Answer with the corrected JSON alone.`,
    isLast: (step) =>
      inARow(step, 'invalid') < correctionsMax
        ? undefined
        : { code: 'invalid', isFinal: true, detail, next: 'Use a model that keeps to a schema, or a simpler schema.' },
  };
}

/** How often in a row, up to now, the model was told that its answer was of no use. */
function inARow(step: StepState, why: Useless): number {
  let count = 0;
  for (const grown of grownOf(step).toReversed()) {
    if (grown.k !== 'model' || grown.why !== why) break;
    count++;
  }
  return count;
}

/** The limit of the step that is used up, if one is. That of time has a timer. */
function limitOf({ limits }: LlmPolicy, step: StepState): Failure | undefined {
  const turns = grownOf(step).filter(({ k }) => k === 'model').length;
  if (turns >= limits.turns)
    return limited(`limits.turns: the model was called ${turns} times and has no answer`, 'Raise it, or make the task smaller.');
  const usage = usageOf(step);
  const tokens = tokensOf(usage);
  if (tokens >= limits.tokens)
    return limited(`limits.tokens: ${tokens} of ${limits.tokens} tokens are used`, 'Raise it, or make the task smaller.');
  const { costUsd = Infinity } = limits;
  if (usage.costUsd >= costUsd)
    return limited(`limits.costUsd: ${usage.costUsd.toFixed(4)} of ${costUsd} US dollars are spent`, 'Raise it, or use a cheaper model.');
  return undefined;
}

/** The model does the same again and again, and gets the same. */
function stuckOf(step: StepState): Failure | undefined {
  const turns: string[] = [];
  let names: string[] = [];
  for (let i = grownOf(step).length - 1; i >= 0 && turns.length < sameTurns;) {
    const at = turnBefore(grownOf(step), i);
    if (at === i) return undefined;
    const calls = step.units.slice(at + 1, i + 1).map((unit, index) => {
      const { call } = callOf(step, at + 1 + index);
      return { name: call.name, said: JSON.stringify([call.name, call.arguments, toldOf(unit)]) };
    });
    turns.push(calls.map(({ said }) => said).join());
    names = [...new Set(calls.map(({ name }) => name))];
    i = at - 1;
  }
  if (turns.length < sameTurns || turns.some((turn) => turn !== turns[0])) return undefined;
  const detail = `no progress: the model called ${names.join(' and ')} ${sameTurns} times in a row with the same arguments and the same result`;
  return limited(detail.slice(0, 500), 'Say in the instructions what to do when a tool gives this.');
}

function limited(detail: string, next: string): Failure {
  return { code: 'limited', isFinal: true, detail, next };
}

/** The output of a step whose model has answered: `{ text }`, or the JSON that was asked for. */
export function answerOf({ llm }: GraphStep, { units }: StepState): Json {
  const { text } = turnOf(units.at(-1)?.output);
  return llm?.output === undefined ? { text } : (jsonOf(text) ?? null);
}
