import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, sep } from 'node:path';

/** Folders up from a script in which its packages are looked for: as many as Node does, nearly. */
const ancestorsMax = 32;

/**
 * What a command must be able to read to run at all: the program and each script, file or folder that its arguments name, as they stand and
 * where their links lead, with the packages beside them. A folder that an argument names is one that the person meant it to read.
 */
export function programPaths(program: string, args: readonly string[], cwd: string): string[] {
  // Scripts that begin with `env node` get the one that runs us.
  const found = new Set<string>([dirname(process.execPath)]);
  for (const path of [program, ...args.flatMap((argument) => existingPath(argument, cwd))]) {
    for (const each of new Set([path, realpathSync(path)])) {
      if (statSync(each).isDirectory()) found.add(each);
      else for (const folder of foldersOfFile(each)) found.add(folder);
    }
  }
  return [...found];
}

function existingPath(argument: string, cwd: string): string[] {
  if (argument === '' || argument.startsWith('-')) return [];
  const path = isAbsolute(argument) ? argument : join(cwd, argument);
  return path !== sep && existsSync(path) ? [path] : [];
}

/** Inside `node_modules`, the outermost of them, since packages import their siblings; else the package around, and the packages above it. */
function foldersOfFile(file: string): string[] {
  const parts = file.split(sep);
  const outermost = parts.indexOf('node_modules');
  if (outermost > 0) return [parts.slice(0, outermost + 1).join(sep)];
  const folders = [packageFolder(dirname(file)) ?? file];
  for (let folder = dirname(file), steps = 0; folder !== dirname(folder) && steps < ancestorsMax; folder = dirname(folder), steps++) {
    const packages = join(folder, 'node_modules');
    if (existsSync(packages)) folders.push(packages);
  }
  return folders;
}

/** The nearest folder with a package.json; null where there is none, or where it would be a person's whole home. */
function packageFolder(from: string): string | null {
  for (let folder = from, steps = 0; folder !== dirname(folder) && steps < ancestorsMax; folder = dirname(folder), steps++) {
    if (existsSync(join(folder, 'package.json'))) return folder === homedir() ? null : folder;
  }
  return null;
}
