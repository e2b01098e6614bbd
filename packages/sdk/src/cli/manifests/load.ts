import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { placeIn } from '@signalbox/workflow/language/read-source.js';
import { LineCounter, parseAllDocuments, parseDocument } from 'yaml';
import type { Manifest } from '../../client/schema.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { keyValue } from '../inputs.ts';
import { bundleFile, fill, selectFiles } from './bundle.ts';
import type { BundleSpec, Selection } from './bundle.ts';
import { withCases } from './eval-cases.ts';
import { resolvePaths } from './paths.ts';

/** A manifest and where it stands. */
export interface Loaded {
  manifest: Manifest;
  /** `agents.yaml`, or `agents.yaml, document 2`. */
  where: string;
  /** Where in the file stands what a JSON Pointer names. */
  placeOf: (pointer: string) => { file: string; line: number; column: number };
}

export interface LoadOptions {
  cwd: string;
  env: Record<string, string | undefined>;
  /** Values of `--set`. */
  values: ReadonlyMap<string, unknown>;
  readStdin: () => Promise<string>;
}

/** A manifest is made by people: larger is a mistake. */
const fileMaxBytes = 1024 * 1024;
/** Files that one `apply` takes. */
const filesMax = 500;
/** So deep folders are searched for manifests. */
const depthMax = 8;

/** The values of `--set`: JSON where they are JSON, else text. */
export function setValues(texts: readonly string[] = []): ReadonlyMap<string, unknown> {
  return new Map(texts.map(setValue));
}

function setValue(text: string): [string, unknown] {
  const [name, value] = keyValue(text);
  try {
    return [name, JSON.parse(value) as unknown];
  } catch {
    return [name, value];
  }
}

/** Reads manifests from files, folders (their bundle, else all YAML files below, in order of names) and `-` (standard input). */
export async function loadManifests(paths: readonly string[], options: LoadOptions): Promise<Loaded[]> {
  const loaded: Loaded[] = [];
  let bundles = 0;
  for (const path of paths) {
    if (path === '-') {
      loaded.push(...documentsOf(await options.readStdin(), 'standard input', options.cwd, new Map()));
      continue;
    }
    const full = resolve(options.cwd, path);
    const stat = await lstat(await realpath(full).catch(() => full)).catch((error: NodeJS.ErrnoException) => {
      throw new CliFailure(
        exitCode.usage,
        `cannot read ${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`,
        'Check the path.',
      );
    });
    const bundle = stat.isDirectory() ? join(full, bundleFile) : isBundle(full) ? full : null;
    if (bundle !== null && (await exists(bundle))) {
      bundles++;
      loaded.push(...(await loadBundle(bundle, options)));
    } else {
      const files = stat.isDirectory() ? await filesBelow(full, manifestFile) : [full];
      if (files.length === 0) throw new CliFailure(exitCode.usage, `there is no .yaml file in ${path}`, 'Give the file by its name.');
      for (const file of files) loaded.push(...(await loadFile(file, options.cwd, new Map())));
    }
  }
  if (options.values.size > 0 && bundles === 0) {
    throw new CliFailure(exitCode.usage, '--set gives values to a bundle, and there is none', `A folder with a ${bundleFile} is one.`);
  }
  return loaded;
}

async function loadBundle(file: string, options: LoadOptions): Promise<Loaded[]> {
  const folder = dirname(file);
  const shown = shownPath(file, options.cwd);
  const { files, values } = await readBundle(file, options);
  const loaded: Loaded[] = [];
  for (const entry of files) {
    const path = resolve(folder, entry);
    // Whoever applies a bundle trusts its folder, not the rest of the disk.
    const real = await realpath(path).catch(() => path);
    if (isOutside(await realpath(folder), real)) {
      throw new CliFailure(exitCode.usage, `${shown} names ${entry}, which is outside its folder`, 'Keep a bundle’s files in its folder.');
    }
    loaded.push(...(await loadFile(path, options.cwd, values)));
  }
  return loaded;
}

/** Values for the parameters of one manifest file: those of the bundle in its folder that names it, else none. */
export async function bundleValues(file: string, options: Omit<LoadOptions, 'readStdin'>): Promise<ReadonlyMap<string, unknown>> {
  const bundle = join(dirname(file), bundleFile);
  if (file === bundle || !(await exists(bundle))) return new Map();
  const { spec } = await parseBundle(bundle, shownPath(bundle, options.cwd));
  const isNamed = spec.files.some((entry) => resolve(dirname(bundle), typeof entry === 'string' ? entry : entry.file) === file);
  return isNamed ? (await readBundle(bundle, options)).values : new Map();
}

async function readBundle(file: string, options: Omit<LoadOptions, 'readStdin'>): Promise<Selection> {
  const shown = shownPath(file, options.cwd);
  const { spec } = await parseBundle(file, shown);
  return selectFiles(spec, { file: shown, folder: dirname(file), cwd: options.cwd }, options.values, options.env);
}

async function parseBundle(file: string, shown: string): Promise<Manifest<BundleSpec>> {
  const document = parseDocument(await readText(file, shown), { maxAliasCount: 0 } as object);
  const fault = document.errors[0];
  if (fault) throw syntaxFault(fault, shown);
  const bundle = document.toJS({ maxAliasCount: 0 }) as Manifest<BundleSpec> | null;
  if (bundle?.kind !== 'Bundle' || !Array.isArray(bundle.spec?.files)) {
    throw new CliFailure(exitCode.usage, `${shown} is not a Bundle with spec.files`, 'See docs/cli.md, Bundles.');
  }
  return bundle;
}

async function loadFile(file: string, cwd: string, values: ReadonlyMap<string, unknown>): Promise<Loaded[]> {
  const shown = shownPath(file, cwd);
  const folder = dirname(file);
  const documents = documentsOf(await readText(file, shown), shown, folder, values);
  return Promise.all(documents.map(async (one) => ({ ...one, manifest: await withCases(one.manifest, folder, one.where) })));
}

function documentsOf(text: string, shown: string, folder: string, values: ReadonlyMap<string, unknown>): Loaded[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { maxAliasCount: 0, lineCounter: lines } as object);
  const list = Array.isArray(documents) ? documents : [];
  for (const document of list) {
    const fault = document.errors[0];
    if (fault) throw syntaxFault(fault, shown);
  }
  return list.flatMap((document, i) => {
    let content: unknown;
    const where = list.length > 1 ? `${shown}, document ${i + 1}` : shown;
    try {
      content = document.toJS({ maxAliasCount: 0 });
    } catch (error) {
      throw new CliFailure(exitCode.usage, `${where}: ${(error as Error).message}`, 'Write it out: aliases are not taken.');
    }
    if (content === null || content === undefined) return [];
    const manifest = resolvePaths(checked(fill(content, values, where), where), folder);
    return [{ manifest, where, placeOf: (pointer: string) => ({ file: shown, ...placeIn(document, lines, pointer) }) }];
  });
}

function checked(content: unknown, where: string): Manifest {
  const manifest = content as Partial<Manifest>;
  const problem =
    typeof content !== 'object' || Array.isArray(content)
      ? 'is not a manifest'
      : manifest.apiVersion !== 'signalbox.dev/v1'
        ? 'has no apiVersion: signalbox.dev/v1'
        : typeof manifest.kind !== 'string'
          ? 'has no kind'
          : manifest.kind !== 'StepReport' && typeof manifest.metadata?.name !== 'string'
            ? 'has no metadata.name'
            : manifest.spec === null || typeof manifest.spec !== 'object'
              ? 'has no spec'
              : null;
  if (problem !== null)
    throw new CliFailure(exitCode.usage, `${where} ${problem}`, 'A manifest has apiVersion, kind, metadata.name and spec.');
  return content as Manifest;
}

function syntaxFault(
  fault: { message: string; linePos?: [{ line: number; col: number }, ...unknown[]] | undefined },
  shown: string,
): CliFailure {
  const at = fault.linePos ? `:${fault.linePos[0].line}:${fault.linePos[0].col}` : '';
  const sentence = fault.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
  return new CliFailure(exitCode.usage, `${shown}${at}: ${sentence}`, 'Correct the YAML there.');
}

/** The text of a file of at most 1 MiB. */
export async function readText(file: string, shown: string): Promise<string> {
  try {
    const content = await readFile(file);
    if (content.byteLength > fileMaxBytes) throw new CliFailure(exitCode.limited, `${shown} is larger than 1 MiB`, 'Split it.');
    return content.toString('utf8');
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(exitCode.usage, `cannot read ${shown}: ${(error as Error).message}`, 'Check the path.');
  }
}

/** YAML files, tests of workflows left out. */
export const manifestFile = /(?<!\.test)\.ya?ml$/;

/** Files below a folder with such names. Links are not followed: a link in a folder from elsewhere could lead anywhere. */
export async function filesBelow(folder: string, pattern: RegExp, depth = 0): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isFile() && pattern.test(entry.name)) files.push(path);
    else if (entry.isDirectory() && depth < depthMax) files.push(...(await filesBelow(path, pattern, depth + 1)));
    if (files.length > filesMax) {
      throw new CliFailure(
        exitCode.limited,
        `there are more than ${filesMax} YAML files in ${folder}`,
        'Give the folder of the manifests.',
      );
    }
  }
  return files;
}

function isBundle(file: string): boolean {
  return file.endsWith(`/${bundleFile}`);
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

function isOutside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way.startsWith('..') || isAbsolute(way);
}

/** As people name it: below the working directory without it. */
export function shownPath(file: string, cwd: string): string {
  const way = relative(cwd, file);
  return way === '' || isOutside(cwd, file) ? file : way;
}
