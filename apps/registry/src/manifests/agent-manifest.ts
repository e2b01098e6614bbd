import { liveMetrics, mirrorMetrics } from '@signalbox/shared/contracts/registry/rollout-terms.js';
import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { referenceFault, secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import { nameOfGrader } from '../evals/eval-suite.ts';
import { graderFault } from '../evals/grade.ts';
import { isRepeatable, planOf, type RolloutSpec } from '../rollouts/rollout-plan.ts';
import { commandFaults } from './command-faults.ts';
import type { AgentManifest, Grader } from './manifest.ts';
import { invalidManifest, parseManifest } from './parse-manifest.ts';
import { skillSchemaFaults } from './skill-schemas.ts';

/** A part of a metric's name. */
const scoreNamePattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/;
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

function rolloutFaults({ spec }: AgentManifest): FaultDetail[] {
  const { rollout } = spec;
  const faults: FaultDetail[] = [];
  const seen = new Set<string>();
  const asksEvals = rollout?.measures?.some(({ metric }) => /^(?:evals|counterfactual)\./.test(metric));
  const mirrors = rollout !== undefined && planOf(spec).mirror !== undefined;
  if (mirrors && !isRepeatable(spec)) {
    const detail = 'is missing: calls are mirrored to a model without tools, or where nothing comes of calling the agent once more';
    faults.push({ pointer: '/spec/rollout/repeatable', detail });
  }
  if (rollout?.strategy === 'shadow' && !mirrors) {
    if (rollout.evals === undefined) {
      const detail =
        'is missing: a shadow puts suites of recorded calls to the new version, or has live ones mirrored with `repeatable: true`';
      faults.push({ pointer: '/spec/rollout/evals', detail });
    }
    if (asksEvals !== true)
      faults.push({ pointer: '/spec/rollout/measures', detail: 'must ask for what evals find out, as counterfactual.SUITE.changeLow' });
  }
  faults.push(...mirrorFaults(rollout, mirrors));
  for (const [index, { metric, min, max, maxRise, maxFall, slack }] of (rollout?.measures ?? []).entries()) {
    const pointer = `/spec/rollout/measures/${index}`;
    const isUnknown = metric.startsWith('live.') && !(liveMetrics as readonly string[]).includes(metric);
    const isMirrored = metric.startsWith('mirror.');
    if (isMirrored && !mirrors) faults.push({ pointer: `${pointer}/metric`, detail: 'is of mirrored calls, and no step says `mirror`' });
    else if (isMirrored && !isMirrorMetric(metric, rollout?.compare ?? []))
      faults.push({ pointer: `${pointer}/metric`, detail: `is none of ${mirrorMetrics.join(', ')}, and no score of \`compare\`` });
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

/** Faults of what belongs to mirrored calls. */
function mirrorFaults(rollout: RolloutSpec | undefined, mirrors: boolean): FaultDetail[] {
  const faults: FaultDetail[] = [];
  for (const field of ['mirror', 'compare'] as const) {
    if (rollout?.[field] !== undefined && !mirrors)
      faults.push({ pointer: `/spec/rollout/${field}`, detail: 'is for rollouts with a step that says `mirror`' });
  }
  const graders = rollout?.compare ?? [];
  const names = graders.map(nameOfGrader);
  for (const [index, grader] of graders.entries()) {
    const pointer = `/spec/rollout/compare/${index}`;
    const name = names[index]!;
    const fault = graderFault(grader);
    if (fault !== null) faults.push({ pointer: `${pointer}/${fault.field}`, detail: fault.detail });
    if (names.indexOf(name) !== index) faults.push({ pointer: `${pointer}/name`, detail: `is there twice: ${name}` });
    if (!scoreNamePattern.test(name))
      faults.push({ pointer: `${pointer}/name`, detail: 'must be letters, digits and hyphens, 40 at most: a metric is named after it' });
    if (grader.weight !== undefined)
      faults.push({ pointer: `${pointer}/weight`, detail: 'is for eval suites: each grader is a measure of its own' });
  }
  return faults;
}

function isMirrorMetric(metric: string, graders: readonly Grader[]): boolean {
  if ((mirrorMetrics as readonly string[]).includes(metric)) return true;
  const [, , name, what] = metric.split('.');
  const isScore = metric.startsWith('mirror.score.') && graders.some((grader) => nameOfGrader(grader) === name);
  return isScore && (what === undefined || ['change', 'changeLow', 'changeHigh', 'changeP'].includes(what));
}
