import { isCut, type RunStep } from '../api/shapes.ts';

/** A message as it was said to the model. */
export interface Said {
  role: string;
  text: string;
}

/** A call that a model made, with the step that it became. */
export interface Call {
  step: RunStep;
  /** `files/read_text_file`, `reader: sum`, or what a model invented. */
  name: string;
}

/** One turn: what was said to the model, its answer, and what it called. */
export interface ModelTurn {
  step: RunStep;
  /** From 1. */
  number: number;
  said: Said[];
  /** Null until it has answered; `isCut`: the beginning of an answer that is fetched whole on its own. */
  answer: { text: string; isCut: boolean } | null;
  calls: Call[];
}

/** What an `llm` step has used and may use. */
export interface Allowance {
  turns: number;
  tokens: number;
  costUsd: number;
  /** Milliseconds since its first turn was queued. */
  timeMs: number;
  limits: RunStep['limits'];
}

/** Keys of the steps with `llm` that have begun, in their order. */
export function conversationsIn(steps: readonly RunStep[]): string[] {
  return [...new Set(steps.filter(({ kind, index }) => kind === 'llm' && index !== null).map(({ step }) => step))];
}

/** The turns of one step with `llm`. */
export function turnsOf(steps: readonly RunStep[], key: string): ModelTurn[] {
  const turns: ModelTurn[] = [];
  for (const step of steps) {
    if (step.kind !== 'llm' || step.step !== key || step.index === null) continue;
    const last = turns.at(-1);
    if (step.model) turns.push({ step, number: turns.length + 1, said: saidTo(step.input), answer: answerOf(step.output), calls: [] });
    else if (last) last.calls.push({ step, name: nameOf(step, last) });
  }
  return turns;
}

/** `now`: epoch milliseconds, for what is still going on. */
export function allowanceOf(turns: readonly ModelTurn[], now: number): Allowance {
  const units = turns.flatMap(({ step, calls }) => [step, ...calls.map((call) => call.step)]);
  const sum = (of: (step: RunStep) => number | null | undefined): number => units.reduce((total, step) => total + (of(step) ?? 0), 0);
  const from = Date.parse(units[0]?.queuedAt ?? '');
  const isOpen = units.some(({ endedAt }) => !endedAt);
  const until = isOpen ? now : Math.max(...units.map(({ endedAt }) => Date.parse(endedAt ?? '')));
  return {
    // A turn that was never asked stands for a limit.
    turns: turns.filter(({ step }) => step.attempts.length > 0 || step.status === 'succeeded').length,
    tokens: sum(({ usage }) => usage && usage.inputTokens + usage.outputTokens),
    costUsd: sum(({ usage }) => usage?.costUsd),
    timeMs: Math.max(0, until - from) || 0,
    limits: units[0]?.limits,
  };
}

/** The open approval without which a call is not made. */
export function approvalOf({ waitingFor }: Pick<RunStep, 'waitingFor'>): string | null {
  const on = waitingFor.find((cause) => cause.on.startsWith('approval:'))?.on;
  return on === undefined ? null : on.slice('approval:'.length);
}

/** Whether the model was told of a failure, and went on: then it is no failure of the run. */
export function wasTold(step: RunStep, steps: readonly RunStep[]): boolean {
  return (
    step.kind === 'llm' &&
    !step.model &&
    steps.some((other) => other.step === step.step && Boolean(other.model) && (other.index ?? 0) > (step.index ?? 0))
  );
}

function saidTo(input: unknown): Said[] {
  if (isCut(input)) return [{ role: 'user', text: `${input.preview}…` }];
  const { messages } = (input ?? {}) as { messages?: unknown };
  if (!Array.isArray(messages)) return [];
  return messages.map((message) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    return {
      role: typeof role === 'string' ? role : 'user',
      text: typeof content === 'string' ? content : JSON.stringify(content ?? null),
    };
  });
}

function answerOf(output: unknown): ModelTurn['answer'] {
  if (output === null || output === undefined) return null;
  if (isCut(output)) return { text: `${output.preview}…`, isCut: true };
  const { text } = output as { text?: unknown };
  return { text: typeof text === 'string' ? text : JSON.stringify(output), isCut: false };
}

function nameOf({ tool, agent, skill }: RunStep, { step: { output }, calls }: ModelTurn): string {
  if (tool) return tool;
  if (agent) return skill ? `${agent}: ${skill}` : agent;
  const { toolCalls } = (output ?? {}) as { toolCalls?: { name?: unknown }[] };
  const name = toolCalls?.[calls.length]?.name;
  return typeof name === 'string' ? name : 'a tool that is not there';
}
