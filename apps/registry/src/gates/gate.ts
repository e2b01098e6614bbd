import type { Gate } from '@signalbox/shared/contracts/registry/gate.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { GateManifest } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';
import { builtInGates } from './built-in-gates.ts';

export const evidenceDaysDefault = 30;

/** What is kept of a gate that was applied. */
export interface AppliedGate {
  manifest: GateManifest;
  version: number;
  hash: string;
  updatedAt: Date;
}

/** A gate that counts. */
export type KnownGate = AppliedGate | { manifest: GateManifest; version: 0 };

/** A gate's manifest that can be used, or `invalid` with every fault that was found. */
export function parseGateManifest(name: string, value: unknown): GateManifest {
  const manifest = parseManifest('Gate', name, value);
  const { agents, metrics, replaces } = manifest.spec;
  const faults: FaultDetail[] = [];
  if (agents !== undefined && isBuiltIn(name)) {
    faults.push({
      pointer: '/spec/agents',
      detail: `cannot be said of ${name}, which is built in for all agents: use another name, and \`replaces: ${name}\``,
    });
  }
  if (replaces === name) faults.push({ pointer: '/spec/replaces', detail: 'must be another gate' });
  const seen = new Set<string>();
  for (const [index, { metric, min, max, maxRise, maxFall, slack }] of metrics.entries()) {
    const pointer = `/spec/metrics/${index}`;
    if (seen.has(metric)) faults.push({ pointer: `${pointer}/metric`, detail: `is there twice: ${metric}` });
    seen.add(metric);
    if (min !== undefined && max !== undefined && min > max)
      faults.push({ pointer: `${pointer}/min`, detail: 'must not be more than max' });
    if (slack !== undefined && maxRise === undefined && maxFall === undefined) {
      faults.push({ pointer: `${pointer}/slack`, detail: 'is for maxRise and maxFall' });
    }
  }
  if (faults.length > 0) throw invalidManifest('Gate', faults);
  return manifest;
}

/** The gates of a workspace in order of their names: those applied, and those built in that none of the same name stands in for. */
export function knownGates(applied: readonly AppliedGate[]): KnownGate[] {
  const names = new Set(applied.map(({ manifest }) => manifest.metadata.name));
  const others = builtInGates.filter(({ metadata }) => !names.has(metadata.name)).map((manifest) => ({ manifest, version: 0 as const }));
  return [...applied, ...others].sort((a, b) => (a.manifest.metadata.name < b.manifest.metadata.name ? -1 : 1));
}

/** Which gates a version of the agent has to pass to get to the stage. */
export function gatesOf(known: readonly KnownGate[], agent: string, stage: Stage): GateManifest[] {
  const concerning = known.map(({ manifest }) => manifest).filter(({ spec }) => spec.agents?.includes(agent) ?? true);
  const replaced = new Set(concerning.flatMap(({ spec }) => spec.replaces ?? []));
  return concerning.filter(({ metadata, spec }) => spec.stages.includes(stage) && !replaced.has(metadata.name));
}

export function isBuiltIn(name: string): boolean {
  return builtInGates.some(({ metadata }) => metadata.name === name);
}

/** `not_found`: as if nothing had that name. */
export function unknownGate(name: string): Fault {
  return new Fault('not_found', `there is no gate ${name}`, 'List them: signalbox gates.');
}

/** A gate as it is shown. */
export function gateView(gate: KnownGate): Gate {
  const { metadata, spec } = gate.manifest;
  return {
    name: metadata.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    stages: [...spec.stages],
    ...(spec.agents !== undefined && { agents: [...spec.agents] }),
    ...(spec.replaces !== undefined && { replaces: spec.replaces }),
    metrics: spec.metrics.map((metric) => ({ ...metric })),
    ...(spec.approvals !== undefined && { approvals: { count: spec.approvals.count, roles: [...spec.approvals.roles] } }),
    evidenceDays: spec.evidenceDays ?? evidenceDaysDefault,
    builtIn: gate.version === 0,
    version: gate.version,
    ...('updatedAt' in gate && { updatedAt: gate.updatedAt.toISOString() }),
  };
}
