import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { durationMs } from '@signalbox/workflow/core/duration.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { Expression } from '@signalbox/workflow/language/expression.js';
import { schemaCheck } from '@signalbox/workflow/language/schema-check.js';
import { compileCondition } from '@signalbox/workflow/language/template.js';
import type { Io } from '../io.ts';
import { Mocks } from '../local/mocks.ts';
import type { MocksManifest } from '../local/mocks.ts';
import { readChecked, readWorkflow } from '../workflow-files/read-workflow.ts';
import type { CheckedFile, WorkflowFile } from '../workflow-files/read-workflow.ts';

/** What is expected of one step. */
export interface StepExpectation {
  status?: string;
  output?: Json;
  attempts?: number;
  items?: number;
  errors?: number;
}

/** What must hold when the run has ended. */
export interface Expectation {
  status?: string;
  output?: Json;
  error?: { code?: string; detail?: string };
  steps?: Record<string, string | StepExpectation>;
  order?: string[];
  within?: string | number;
  that?: string[];
}

interface CaseManifest {
  name: string;
  input?: Json;
  startAt?: string;
  seed?: number;
  mocks?: MocksManifest;
  signals?: { name: string; after: string | number; data?: Json }[];
  cancelAfter?: string | number;
  labels?: Record<string, string>;
  expect?: Expectation;
  golden?: string;
}

interface SuiteManifest {
  metadata?: { name?: string };
  spec: { workflow: string; workflows?: string[]; mocks?: MocksManifest; cases: CaseManifest[] };
}

/** One case, compiled. */
export interface Case {
  name: string;
  /** Where it stands in the file. */
  pointer: string;
  input: Json;
  labels: Record<string, string>;
  startAt: number;
  seed: number;
  /** Asked in order. */
  mocks: readonly Mocks[];
  signals: { afterMs: number; name: string; data: Json }[];
  cancelAfterMs: number | undefined;
  expect: Expectation | undefined;
  withinMs: number | undefined;
  that: readonly Expression[];
  /** The path of the golden file. */
  golden: string | undefined;
}

/** A test file with the workflows it is about. */
export interface Suite {
  file: string;
  workflow: WorkflowFile;
  /** By name: those whose child runs are played too, the workflow itself among them. */
  workflows: ReadonlyMap<string, WorkflowFile>;
  cases: readonly Case[];
  placeOf: CheckedFile<unknown>['placeOf'];
}

/** The published JSON Schema of test files. */
const testSchema = JSON.parse(readFileSync(new URL('../../../schemas/workflow-test.schema.json', import.meta.url), 'utf8')) as {
  definitions: { mocks: object };
};
const checkTest = schemaCheck<SuiteManifest>(testSchema);
/** `definitions/mocks` of it, as a schema of its own. */
const checkMocksFile = schemaCheck<MocksManifest>({ ...testSchema.definitions.mocks, definitions: testSchema.definitions });

const startAtDefault = '2026-01-31T09:00:00Z';

/** Reads a test file and the workflow files that it names. A `CliFailure` has every wrong place with file, line and column. */
export async function readSuite(io: Io, path: string, values: ReadonlyMap<string, unknown>): Promise<Suite> {
  const { file, folder, content, placeOf } = await readChecked(io, path, compileSuite);
  const read = (one: string): Promise<WorkflowFile> => readWorkflow(io, resolve(folder, one), values);
  const workflow = await read(content.workflow);
  const others = await Promise.all(content.workflows.map(read));
  const workflows = new Map([workflow, ...others].map((one) => [one.manifest.metadata.name, one]));
  const cases = content.cases.map((one) => ({ ...one, golden: one.golden === undefined ? undefined : resolve(folder, one.golden) }));
  return { file, workflow, workflows, cases, placeOf };
}

/** Reads a file of mocks alone. */
export async function readMocks(io: Io, path: string): Promise<Mocks> {
  const { content } = await readChecked(io, path, (value) => new Mocks(checkMocksFile(value), ''));
  return content;
}

function compileSuite(value: unknown): { workflow: string; workflows: string[]; cases: Case[] } {
  const { workflow, workflows = [], mocks = {}, cases } = checkTest(value).spec;
  const shared = new Mocks(mocks, '/spec/mocks');
  return { workflow, workflows, cases: cases.map((one, index) => compileCase(one, `/spec/cases/${index}`, shared)) };
}

function compileCase(manifest: CaseManifest, pointer: string, shared: Mocks): Case {
  const { name, input = {}, startAt = startAtDefault, seed = 1, mocks, signals = [], cancelAfter, labels = {}, expect, golden } = manifest;
  const at = Date.parse(startAt);
  if (!Number.isFinite(at)) throw new ExpressionError(`startAt must be a time, as ${startAtDefault}`, `${pointer}/startAt`);
  return {
    name,
    pointer,
    input,
    labels,
    startAt: at,
    seed,
    mocks: mocks === undefined ? [shared] : [new Mocks(mocks, `${pointer}/mocks`), shared],
    signals: signals.map(({ after, data = null, ...signal }) => ({ ...signal, data, afterMs: durationMs(after) ?? 0 })),
    cancelAfterMs: cancelAfter === undefined ? undefined : durationMs(cancelAfter),
    expect,
    withinMs: expect?.within === undefined ? undefined : durationMs(expect.within),
    that: (expect?.that ?? []).map((source, index) => compileCondition(source, `${pointer}/expect/that/${index}`)),
    golden,
  };
}
