import { startEngine, type EngineUnderBench } from './engine.ts';

/** For a harness that measures engines side by side: `{ seq(steps), fan(width), stop() }` on the PostgreSQL of `pgUrl`. */
export const targets = {
  'signalbox (worker)': startEngine,
  'signalbox (inside)': async (options: { pgUrl: string }): Promise<EngineUnderBench> => {
    const { inside, ...engine } = await startEngine(options);
    return { ...engine, ...inside };
  },
};
