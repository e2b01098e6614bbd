import type { EvalSuite } from '@signalbox/shared/contracts/registry/eval-suite.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { EvalCase, EvalSuiteManifest, Grader, RecordedCases } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';
import { graderFault } from './grade.ts';

/** Calls of one eval: an eval is a run, and each call an item of it. */
export const attemptsMax = 2_000;
/** Recorded calls that are looked for. */
const recordedDefault = 50;
/** Cases as JSON: they are the input of a run. */
export const casesBytesMax = 200_000;
/** A part of a metric's name. */
const nameMax = 40;

/** What is kept of a version of a suite. */
export interface AppliedSuite {
  manifest: EvalSuiteManifest;
  version: number;
  hash: string;
  updatedAt: Date;
}

/** A suite's manifest that can be used, or `invalid` with every fault that was found. */
export function parseSuiteManifest(name: string, value: unknown): EvalSuiteManifest {
  const manifest = parseManifest('EvalSuite', name, value);
  const { cases = [], graders, repeats = 1, recorded } = manifest.spec;
  if ((manifest.spec.cases === undefined) === (recorded === undefined)) {
    throw invalidManifest('EvalSuite', [{ pointer: '/spec/cases', detail: 'must be there, or recorded in its place' }]);
  }
  const faults: FaultDetail[] = [];
  if (name.length > nameMax) {
    faults.push({ pointer: '/metadata/name', detail: `must have at most ${nameMax} characters: metrics are named after it` });
  }
  const bytes = Buffer.byteLength(JSON.stringify(cases));
  if (bytes > casesBytesMax) {
    faults.push({ pointer: '/spec/cases', detail: `has ${bytes} bytes, and may have ${casesBytesMax}: make it several suites` });
  }
  if (recorded?.runs !== undefined && recorded.calls !== undefined)
    faults.push({ pointer: '/spec/recorded/runs', detail: 'stands in place of calls: leave one of both out' });
  if (recorded?.onDivergence !== undefined && recorded.runs === undefined)
    faults.push({ pointer: '/spec/recorded/onDivergence', detail: 'is of runs: say how many, as runs: 50' });
  const count = recorded ? countOf(recorded) : cases.length;
  if (count * repeats > attemptsMax) {
    faults.push({ pointer: '/spec/repeats', detail: `makes ${count * repeats} calls, and an eval makes at most ${attemptsMax}` });
  }
  faults.push(...twice('/spec/cases', cases.map(nameOfCase)), ...twice('/spec/graders', graders.map(nameOfGrader)));
  for (const [index, grader] of graders.entries()) {
    const fault = graderFault(grader);
    if (fault !== null) faults.push({ pointer: `/spec/graders/${index}/${fault.field}`, detail: fault.detail });
  }
  if (graders.some(({ type }) => type === 'exact')) {
    const missing = cases.findIndex((one) => one.expected === undefined);
    if (missing >= 0) faults.push({ pointer: `/spec/cases/${missing}/expected`, detail: 'is missing: a grader compares with it' });
  }
  if (faults.length > 0) throw invalidManifest('EvalSuite', faults);
  return manifest;
}

/** How many recorded calls or runs are its cases, at most. */
export function countOf({ calls, runs }: RecordedCases): number {
  return runs ?? calls ?? recordedDefault;
}

function twice(pointer: string, names: readonly string[]): FaultDetail[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [{ pointer: `${pointer}/${index}/name`, detail: `is there twice: ${name}` }],
  );
}

/** What a case is called: by its place where it has no name. */
export function nameOfCase({ name }: EvalCase, index: number): string {
  return name ?? `case-${index + 1}`;
}

/** What a grader is called: by its type where it has no name, an agent by that. */
export function nameOfGrader(grader: Grader): string {
  return grader.name ?? (grader.type === 'agent' ? grader.agent : grader.type);
}

/** `not_found`: as if nothing had that name. */
export function unknownSuite(name: string): Fault {
  return new Fault('not_found', `there is no eval suite ${name}`, 'List them: signalbox evals suites.');
}

/** A suite as it is shown. */
export function suiteView({ manifest: { metadata, spec }, version, hash, updatedAt }: AppliedSuite): EvalSuite {
  return {
    name: metadata.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    ...(spec.skill !== undefined && { skill: spec.skill }),
    cases: spec.cases?.length ?? countOf(spec.recorded ?? {}),
    ...(spec.recorded && { isRecorded: true }),
    graders: spec.graders.map(nameOfGrader),
    repeats: spec.repeats ?? 1,
    version,
    hash,
    updatedAt: updatedAt.toISOString(),
  };
}
