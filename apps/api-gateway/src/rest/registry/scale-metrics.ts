import type { AgentScale } from '@signalbox/shared/contracts/registry/scale.js';

const families: [name: string, help: string, of: (scale: AgentScale) => number][] = [
  ['signalbox_agent_queue_waiting', 'Tasks that wait for an instance.', ({ waiting }) => waiting],
  ['signalbox_agent_queue_running', 'Tasks that instances have in hand.', ({ running }) => running],
  ['signalbox_agent_queue_oldest_seconds', 'How long the first of those that wait has waited.', ({ oldestMs }) => oldestMs / 1_000],
  ['signalbox_agent_live_instances', 'Instances that beat.', ({ live }) => live],
  ['signalbox_agent_wanted_replicas', 'How many instances there should be.', ({ wanted }) => wanted],
];

/** Agents that are scaled, as OpenMetrics 1.0 text. Names of agents are DNS labels: nothing in them needs escaping. */
export function scaleMetrics(scales: readonly AgentScale[]): string {
  const lines = families.flatMap(([name, help, of]) => [
    `# TYPE ${name} gauge`,
    `# HELP ${name} ${help}`,
    ...scales.map((scale) => `${name}{agent="${scale.agent}",runner="${scale.runner}"} ${of(scale)}`),
  ]);
  return [...lines, '# EOF', ''].join('\n');
}
