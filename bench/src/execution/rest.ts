import { measured, median, type BenchOptions, type Measurement } from '../measurement.ts';
import { DoorsUnderBench } from './doors.ts';

const name = 'one-step';

/** A run of one step that is started, followed and ended through REST, beside the same run started and heard over the bus. */
export async function restRun(doors: DoorsUnderBench, { rounds, isSmoke }: BenchOptions): Promise<Measurement[]> {
  await doors.apply(name, { one: { agent: DoorsUnderBench.agent, skill: 'say' } });
  const byBus = async (): Promise<void> => (await doors.start(name)).ended;
  const byRest = async (): Promise<void> => {
    const { id } = await doors.client.workflows.start(name);
    let last = '';
    for await (const { type } of doors.client.runs.follow(id)) last = type;
    if (last !== 'run.succeeded') throw new Error(`a run ended with ${last}`);
  };
  const samples = isSmoke ? 20 : 200;
  const seen: { byBus: number[]; byRest: number[] } = { byBus: [], byRest: [] };
  for (const run of [byBus, byRest]) await p50(samples / 4, run);
  for (let round = 0; round < rounds; round++) {
    seen.byBus.push(await p50(samples, byBus));
    seen.byRest.push(await p50(samples, byRest));
  }
  return [
    measured({ bench: 'execution', what: 'a run of one step by REST, beside the bus, p50', unit: 'ms' }, seen.byRest, {
      floors: seen.byBus,
    }),
  ];
}

async function p50(samples: number, run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const from = performance.now();
    await run();
    times.push(performance.now() - from);
  }
  return median(times);
}
