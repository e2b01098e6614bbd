import { isAbsolute, resolve } from 'node:path';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';

/** The file that says which manifests of a folder are applied, in which order, and with which parameters. */
export const bundleFile = 'signalbox.yaml';

/** One parameter of a bundle. */
interface Parameter {
  description?: string;
  /** `path` and `paths` become absolute: a default against the bundle's folder, a given value against the working directory. */
  type?: 'text' | 'path' | 'paths' | 'value';
  default?: unknown;
  /** The environment variable that gives it when `--set` does not. No other variable is ever read. */
  fromEnv?: string;
}

/** A manifest file of a bundle, perhaps only under a condition. */
type Entry = string | { file: string; whenEnv?: string[]; unlessEnv?: string[] };

/** `spec` of a document of kind Bundle. */
export interface BundleSpec {
  parameters?: Record<string, Parameter>;
  files: Entry[];
}

/** What the bundle's files are made with. */
export interface Selection {
  files: string[];
  values: ReadonlyMap<string, unknown>;
}

/** Chooses a bundle's files and gives its parameters their values. */
export function selectFiles(
  spec: BundleSpec,
  where: { file: string; folder: string; cwd: string },
  given: ReadonlyMap<string, unknown>,
  env: Record<string, string | undefined>,
): Selection {
  const values = new Map<string, unknown>();
  const parameters = Object.entries(spec.parameters ?? {});
  for (const [name, parameter] of parameters) {
    const fromEnv = parameter.fromEnv === undefined ? undefined : env[parameter.fromEnv];
    if (given.has(name)) values.set(name, typed(name, given.get(name), parameter, where.cwd));
    else if (fromEnv !== undefined && fromEnv !== '') values.set(name, typed(name, fromEnv, parameter, where.cwd));
    else if (parameter.default !== undefined) values.set(name, typed(name, parameter.default, parameter, where.folder));
    else {
      throw new CliFailure(exitCode.usage, `${where.file} needs a value for ${name}`, `Give one: --set ${name}=…`);
    }
  }
  const known = new Set(parameters.map(([name]) => name));
  for (const name of given.keys()) {
    if (!known.has(name)) {
      throw new CliFailure(exitCode.usage, `${where.file} has no parameter ${name}`, `It has: ${[...known].join(', ') || 'none'}.`);
    }
  }
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const files = spec.files.flatMap((entry) => {
    if (typeof entry === 'string') return [entry];
    if (entry.whenEnv && !entry.whenEnv.some(isSet)) return [];
    if (entry.unlessEnv?.some(isSet)) return [];
    return [entry.file];
  });
  return { files, values };
}

/** Puts values into a document: `${name}` in a text, and where it is all of a text, the value itself; a list in a list is spread. */
export function fill(document: unknown, values: ReadonlyMap<string, unknown>, where: string): unknown {
  if (typeof document === 'string') return fillText(document, values, where);
  if (Array.isArray(document)) {
    return document.flatMap((item: unknown): unknown[] => {
      const filled = fill(item, values, where);
      return typeof item === 'string' && Array.isArray(filled) ? (filled as unknown[]) : [filled];
    });
  }
  if (document !== null && typeof document === 'object') {
    return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, fill(value, values, where)]));
  }
  return document;
}

/** `${name}`, but not the `${{ … }}` of workflows. */
const placeholder = /\$\{([A-Za-z][A-Za-z0-9_-]*)\}/g;

/** Names that mean something to a service, which puts them in itself: `${state}` is the folder that an MCP server may write to. */
const servicesOwn: ReadonlySet<string> = new Set(['state']);

function fillText(text: string, values: ReadonlyMap<string, unknown>, where: string): unknown {
  const valueOf = (name: string): unknown => {
    if (values.has(name)) return values.get(name);
    if (servicesOwn.has(name)) return `\${${name}}`;
    throw new CliFailure(
      exitCode.usage,
      `${where} uses \${${name}}, which is no parameter`,
      `Declare it under parameters in ${bundleFile}.`,
    );
  };
  const whole = /^\$\{([A-Za-z][A-Za-z0-9_-]*)\}$/.exec(text);
  if (whole) return valueOf(whole[1] as string);
  return text.replace(placeholder, (_, name: string) => {
    const value = valueOf(name);
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

function typed(name: string, value: unknown, { type = 'text' }: Parameter, folder: string): unknown {
  const absolute = (path: unknown): string => {
    if (typeof path !== 'string' || path === '')
      throw new CliFailure(exitCode.usage, `${name} must be a path`, 'Give the path of a folder.');
    return isAbsolute(path) ? path : resolve(folder, path);
  };
  switch (type) {
    case 'path':
      return absolute(value);
    case 'paths':
      return (Array.isArray(value) ? value : String(value).split(',')).map(absolute);
    case 'value':
      return value;
    default:
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}
