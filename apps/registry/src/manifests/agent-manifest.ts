import { liveMetrics } from '@signalbox/shared/contracts/registry/rollout-terms.js';
import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { referenceFault, secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import { commandFaults } from './command-faults.ts';
import type { AgentManifest } from './manifest.ts';
import { invalidManifest, parseManifest } from './parse-manifest.ts';
import { skillSchemaFaults } from './skill-schemas.ts';

const sections = ['mcp', 'worker', 'llm', 'http'] as const;

/** An agent's manifest that can be used, or `invalid` with every fault that was found. */
export function parseAgentManifest(name: string, value: unknown): AgentManifest {
  const manifest = parseManifest('Agent', name, value);
  const faults = [
    ...sectionFaults(manifest),
    ...workerFaults(manifest),
    ...httpFaults(manifest),
    ...skillSchemaFaults(manifest.spec.skills ?? []),
    ...rolloutFaults(manifest),
  ];
  if (faults.length > 0) throw invalidManifest('Agent', faults);
  return manifest;
}

/** Whether somebody who applies it decides which program runs on the host. */
export function namesCommand(manifest: AgentManifest): boolean {
  return manifest.spec.worker?.command !== undefined;
}

/** Whether somebody who applies it decides to whom a secret goes. */
export function namesSecret({ spec }: AgentManifest): boolean {
  const { worker, http, llm } = spec;
  const texts = [...Object.values(worker?.env ?? {}), ...Object.values(http?.headers ?? {}), llm?.provider?.apiKey ?? ''];
  return texts.some((text) => secretNamesIn(text).length > 0);
}

function sectionFaults({ spec }: AgentManifest): FaultDetail[] {
  const faults: FaultDetail[] = [];
  if (spec.kind !== 'worker' && spec[spec.kind] === undefined) {
    faults.push({ pointer: `/spec/${spec.kind}`, detail: `is missing: an agent of kind ${spec.kind} needs it` });
  }
  for (const section of sections) {
    if (section !== spec.kind && spec[section] !== undefined) {
      faults.push({ pointer: `/spec/${section}`, detail: `is for agents of kind ${section}, not ${spec.kind}` });
    }
  }
  return faults;
}

function workerFaults({ spec }: AgentManifest): FaultDetail[] {
  const worker = spec.worker;
  if (spec.kind !== 'worker' || worker === undefined) return [];
  const faults: FaultDetail[] = [];
  const isLocal = worker.runner === 'local';
  if (isLocal && worker.command === undefined) {
    faults.push({ pointer: '/spec/worker/command', detail: 'is missing: the local runner needs a command to run' });
  }
  if (!isLocal) {
    for (const field of ['command', 'cwd', 'env'] as const) {
      if (worker[field] !== undefined) faults.push({ pointer: `/spec/worker/${field}`, detail: 'is for the runner `local` alone' });
    }
  }
  const { autoscale } = worker;
  if (autoscale !== undefined && autoscale.min > autoscale.max)
    faults.push({ pointer: '/spec/worker/autoscale/min', detail: 'must not be above `max`' });
  if (autoscale !== undefined && worker.replicas !== undefined)
    faults.push({ pointer: '/spec/worker/replicas', detail: 'does not go with `autoscale`, which says how many there are' });
  faults.push(...commandFaults('/spec/worker', worker));
  return faults;
}

function httpFaults({ spec }: AgentManifest): FaultDetail[] {
  const { url = '', headers = {} } = spec.http ?? {};
  const faults: FaultDetail[] = [];
  if (url.includes('secret://'))
    faults.push({ pointer: '/spec/http/url', detail: 'must not name a secret: addresses are logged, send a header' });
  for (const [name, value] of Object.entries(headers)) {
    const detail = referenceFault(value);
    if (detail !== null) faults.push({ pointer: `/spec/http/headers/${name.replaceAll('~', '~0')}`, detail });
  }
  return faults;
}

function rolloutFaults({ spec: { rollout } }: AgentManifest): FaultDetail[] {
  const faults: FaultDetail[] = [];
  const seen = new Set<string>();
  const asksEvals = rollout?.measures?.some(({ metric }) => /^(?:evals|counterfactual)\./.test(metric));
  if (rollout?.strategy === 'shadow' && rollout.evals === undefined)
    faults.push({ pointer: '/spec/rollout/evals', detail: 'is missing: a shadow puts suites of recorded calls to the new version' });
  if (rollout?.strategy === 'shadow' && asksEvals !== true)
    faults.push({ pointer: '/spec/rollout/measures', detail: 'must ask for what evals find out, as counterfactual.SUITE.changeLow' });
  for (const [index, { metric, min, max, maxRise, maxFall, slack }] of (rollout?.measures ?? []).entries()) {
    const pointer = `/spec/rollout/measures/${index}`;
    const isUnknown = metric.startsWith('live.') && !(liveMetrics as readonly string[]).includes(metric);
    if (isUnknown) faults.push({ pointer: `${pointer}/metric`, detail: `is none of ${liveMetrics.join(', ')}` });
    if (seen.has(metric)) faults.push({ pointer: `${pointer}/metric`, detail: `is there twice: ${metric}` });
    seen.add(metric);
    if (min !== undefined && max !== undefined && min > max)
      faults.push({ pointer: `${pointer}/min`, detail: 'must not be more than max' });
    if (slack !== undefined && maxRise === undefined && maxFall === undefined)
      faults.push({ pointer: `${pointer}/slack`, detail: 'is for maxRise and maxFall' });
  }
  return faults;
}
