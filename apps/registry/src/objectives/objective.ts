import { kpisOfAgents } from '@signalbox/shared/contracts/registry/kpi-names.js';
import type { Objective } from '@signalbox/shared/contracts/registry/objective.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { measures } from '../kpis/kpi-targets.ts';
import type { ObjectiveManifest } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';

/** What is kept of an objective. */
export interface AppliedObjective {
  manifest: ObjectiveManifest;
  version: number;
  hash: string;
  updatedAt: Date;
}

/** An objective's manifest that can be used, or `invalid` with every fault that was found. */
export function parseObjectiveManifest(name: string, value: unknown): ObjectiveManifest {
  const manifest = parseManifest('Objective', name, value);
  const { kpi, agent, target, within } = manifest.spec;
  const { unit } = measures[kpi];
  const faults: FaultDetail[] = [];
  if (agent !== undefined && !kpisOfAgents.includes(kpi)) {
    faults.push({ pointer: '/spec/agent', detail: `must be absent: by agent there are ${kpisOfAgents.join(', ')}` });
  }
  if (unit === 'share' && target > 1) faults.push({ pointer: '/spec/target', detail: 'must be a share from 0 to 1: 99.9 % is 0.999' });
  if (unit === 'share' && within !== undefined) {
    faults.push({ pointer: '/spec/within', detail: `is for durations and ratios: the target of ${kpi} is a share itself` });
  }
  if (faults.length > 0) throw invalidManifest('Objective', faults);
  return manifest;
}

/** `not_found`: as if nothing had that name. */
export function unknownObjective(name: string): Fault {
  return new Fault('not_found', `there is no objective ${name}`, 'List them: signalbox objectives.');
}

/** An objective as it is shown. */
export function objectiveView({ manifest, version, updatedAt }: AppliedObjective): Objective {
  const { metadata, spec } = manifest;
  return {
    name: metadata.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    kpi: spec.kpi,
    ...(spec.agent !== undefined && { agent: spec.agent }),
    target: spec.target,
    ...(spec.within !== undefined && { within: spec.within }),
    version,
    updatedAt: updatedAt.toISOString(),
  };
}
