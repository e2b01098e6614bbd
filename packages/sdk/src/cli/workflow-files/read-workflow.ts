import { dirname, resolve } from 'node:path';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import { readSource, withPlaces } from '@signalbox/workflow/language/read-source.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { exitCode } from '../exit-codes.ts';
import { CliFailure, wordsOf } from '../failure.ts';
import type { PlacedFault } from '../failure.ts';
import type { Io } from '../io.ts';
import { fill } from '../manifests/bundle.ts';
import { bundleValues, readText, shownPath } from '../manifests/load.ts';

/** A workflow file, wholly checked. */
export interface WorkflowFile {
  /** As people name it. */
  file: string;
  manifest: WorkflowManifest;
  hash: string;
  graph: Graph;
}

/** A file that was read and checked, and where its parts stand. */
export interface CheckedFile<T> {
  file: string;
  /** Its folder, which its relative paths are against. */
  folder: string;
  content: T;
  placeOf: (pointer: string) => { file: string; line: number; column: number };
}

/**
 * Reads a workflow file (`-`: standard input) and compiles it with the compiler of the service, without one. The parameters of a bundle in its
 * folder that names it are filled in. A `CliFailure` has every wrong place with file, line and column.
 */
export async function readWorkflow(io: Io, path: string, values: ReadonlyMap<string, unknown> = new Map()): Promise<WorkflowFile> {
  const { file, content } = await readChecked(io, path, (value) => checkDefinition(value), values);
  const { definition, graph } = content;
  return { file, manifest: definition.manifest, hash: definition.hash, graph };
}

/** Reads one YAML document and checks it: what `check` throws gets file, line and column. */
export async function readChecked<T>(
  io: Io,
  path: string,
  check: (value: unknown) => T,
  values: ReadonlyMap<string, unknown> = new Map(),
): Promise<CheckedFile<T>> {
  const full = resolve(io.cwd, path);
  const file = path === '-' ? 'standard input' : shownPath(full, io.cwd);
  const text = path === '-' ? await io.readStdin() : await readText(full, file);
  const parameters = path === '-' ? new Map<string, unknown>() : await bundleValues(full, { cwd: io.cwd, env: io.env, values });
  return placed(file, () => {
    const source = readSource(text);
    const filled = parameters.size === 0 ? source.value : fill(source.value, parameters, file);
    const content = withPlaces(source, () => pointed(() => check(filled)));
    return { file, folder: path === '-' ? io.cwd : dirname(full), content, placeOf: (pointer) => ({ file, ...source.placeOf(pointer) }) };
  });
}

/** An expression's error, as one of a file. */
function pointed<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    const { pointer, message: detail } = thrown;
    throw new Fault('invalid', detail, 'Correct the expression.', { errors: [{ pointer, detail }], cause: thrown });
  }
}

function placed<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const errors: PlacedFault[] = (thrown.errors ?? [{ pointer: '', detail: thrown.detail }]).map((error) => ({ ...error, file }));
    const [only] = errors;
    const words = only === undefined ? undefined : wordsOf(only);
    const message = errors.length === 1 && words ? `${words.place}: ${words.text}` : `${errors.length} places of ${file} are wrong`;
    throw new CliFailure(exitCode.usage, message, 'Correct the file there; docs/workflows.md says what it may hold.', {
      cause: thrown,
      errors,
    });
  }
}
