import { measured, percentile, type BenchOptions, type Measurement } from '../measurement.ts';
import { DoorsUnderBench } from './doors.ts';

const name = 'agent-loop';
const turns = 20;

/** Conversations of a model that calls a tool in every turn but the last, neither of which takes time: what is left of a turn is ours. */
export async function agentLoop(doors: DoorsUnderBench, { rounds, isSmoke }: BenchOptions): Promise<Measurement[]> {
  const { agent, model } = DoorsUnderBench;
  await doors.apply(name, {
    talk: { llm: { model, prompt: 'Go on.', tools: [{ agent, skill: 'say' }], limits: { turns: turns + 1, tokens: 10_000_000 } } },
  });
  const talk = async (count: number): Promise<number[]> => {
    const times: number[] = [];
    for (let conversation = 0; conversation < count; conversation++) times.push(...(await converse(doors)));
    return times;
  };
  await talk(isSmoke ? 1 : 10);
  const seen: number[][] = [];
  for (let round = 0; round < rounds; round++) seen.push(await talk(isSmoke ? 2 : 20));
  return Object.entries({ p50: 0.5, p99: 0.99 }).map(([label, fraction]) =>
    measured(
      { bench: 'execution', what: `a turn of model and tool, ${turns} one after another, ${label}`, unit: 'ms' },
      seen.map((times) => percentile(times, fraction)),
    ),
  );
}

/** Milliseconds from each time that the model was asked to the next. */
async function converse({ client, model }: DoorsUnderBench): Promise<number[]> {
  const askedAt: number[] = [];
  model.reset();
  model.on(undefined, () => {
    askedAt.push(performance.now());
    if (askedAt.length > turns) return { text: 'Done.' };
    return { toolCalls: [{ name: `agent_${DoorsUnderBench.agent}__say`, arguments: { turn: askedAt.length } }] };
  });
  const { id } = await client.workflows.start(name);
  const { status, error } = await client.runs.result(id);
  if (status !== 'succeeded' || askedAt.length !== turns + 1)
    throw new Error(`a conversation ended with ${status} when its model was asked ${askedAt.length} times: ${error?.detail}`);
  return askedAt.slice(1).map((at, turn) => at - askedAt[turn]!);
}
