import { startEngine, type Runs } from './engine.ts';

/** For a harness that measures engines side by side: `{ seq(steps), fan(width), stop() }` on the PostgreSQL of `pgUrl`. */
export const targets = {
  'signalbox (worker)': startEngine,
  'signalbox (inside)': async (options: { pgUrl: string }): Promise<Runs & { stop(): Promise<void> }> => {
    const { inside, stop } = await startEngine(options);
    return { ...inside, stop };
  },
};
