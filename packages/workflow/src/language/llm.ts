import { ExpressionError, type GraphStep } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import { covers, type LlmPolicy, type LlmTool } from '../core/llm.ts';
import { amountsOf } from './budget.ts';
import { wrongPlace } from './input-schema.ts';
import type { LlmManifest, LlmToolManifest, StepManifest } from './manifest.ts';
import { checkedSchema } from './step-schema.ts';
import { timeoutMs } from './timeout.ts';

/** What an `llm` step may use where it does not say; people raise them where a task is worth it. */
const limitDefaults = { turns: 20, tokens: 200_000, timeMs: 30 * 60_000 } as const;
const parallelDefault = 8;

/** Fields of other kinds, and where they belong instead. */
const elsewhere: Partial<Record<keyof StepManifest, string>> = {
  with: 'give llm.prompt',
  forEach: 'have a workflow do it for each item, by a step with forEach and workflow',
  maxParallel: 'give llm.parallelTools',
  fallback: 'give llm.fallback',
  compensate: 'undo what its tools did in a step of its own',
};

/** What an `llm` step says of its model, tools and limits. Throws `ExpressionError` for what does not fit together. */
export function llmOf(step: StepManifest, pointer: string): Pick<GraphStep, 'llm' | 'fallback' | 'maxParallel'> {
  for (const [field, instead] of Object.entries(elsewhere)) {
    if (step[field as keyof StepManifest] !== undefined)
      throw new ExpressionError(`a step with llm has no ${field}: ${instead}`, `${pointer}/${field}`);
  }
  const { fallback, approve, output, limits = {}, maxTokens, parallelTools, prompt, messages, toolTokens } = step.llm as LlmManifest;
  if ((prompt === undefined) === (messages === undefined)) throw new ExpressionError('give either prompt or messages', `${pointer}/llm`);
  const tools = (step.llm?.tools ?? []).map(toolOf);
  const most = (step.llm?.tools ?? []).flatMap((tool) =>
    typeof tool === 'string' || tool.usesAtMost === undefined ? [] : [{ of: toolOf(tool), most: amountsOf(tool.usesAtMost) }],
  );
  approve?.forEach((name, index) => {
    const asked = toolOf(name);
    if (tools.some((tool) => covers(tool, asked) || covers(asked, tool))) return;
    throw new ExpressionError('tools does not have this', `${pointer}/llm/approve/${index}`);
  });
  const policy: LlmPolicy = {
    tools,
    ...(approve !== undefined && { approve: approve.map(toolOf) }),
    ...(output && { output: { schema: checkedSchema(output, `${pointer}/llm/output`), check: (value) => wrongPlace(output, value) } }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(toolTokens !== undefined && { toolTokens }),
    ...(most.length > 0 && { most }),
    limits: {
      turns: limits.turns ?? limitDefaults.turns,
      tokens: limits.tokens ?? limitDefaults.tokens,
      timeMs: limits.time === undefined ? limitDefaults.timeMs : timeoutMs(limits.time),
      ...(limits.costUsd !== undefined && { costUsd: limits.costUsd }),
    },
  };
  return { llm: policy, ...(fallback !== undefined && { fallback }), maxParallel: parallelTools ?? parallelDefault };
}

function toolOf(tool: LlmToolManifest): LlmTool {
  if (typeof tool === 'string') return { tool };
  return { agent: tool.agent, ...(tool.skill !== undefined && { skill: tool.skill }) };
}

/** What the model is asked, with its expressions. */
export function promptOf({ instructions, prompt, messages }: LlmManifest): Json {
  return {
    ...(instructions !== undefined && { instructions }),
    ...(prompt !== undefined && { prompt }),
    ...(messages !== undefined && { messages }),
  };
}
