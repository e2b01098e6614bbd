import type { AgentScale } from '@signalbox/shared/contracts/registry/scale.js';
import { recommend, type QueueFact } from './scale.ts';
import type { ScaledAgent } from './scale.store.ts';

/** How a pool stands. What the local runner keeps up is smoothed; for others, who smooth themselves, it is what the queue asks for now. Null: it has no `autoscale`. */
export function scaleView({ name, manifest, live, wanted, because }: ScaledAgent, queue: QueueFact): AgentScale | null {
  const { autoscale, runner = 'external', concurrency = 1 } = manifest.spec.worker ?? {};
  if (autoscale === undefined) return null;
  const now = recommend(autoscale, concurrency, queue, live);
  const kept = runner === 'local' && wanted !== null ? { wanted, because: because ?? now.because } : now;
  return { agent: name, runner, min: autoscale.min, max: autoscale.max, ...queue, live, ...kept };
}
