// Removes what was built from sources that are gone: contracts and migrations are found by reading `dist`, so that a stale one would be taken for
// one of ours. Run in a package's folder before its compiler, which writes only what changed.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const built = /(?:\.d\.ts|\.d\.ts\.map|\.js|\.js\.map)$/;

/** Prunes the `dist` of a package that `tsc` compiles from `src`; returns what it removed. */
export function pruneDist(folder) {
  const dist = join(folder, 'dist');
  const removed = [];
  if (!existsSync(join(folder, 'tsconfig.build.json')) || !existsSync(dist)) return removed;
  for (const entry of readdirSync(dist, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(dist, path);
    // Bundles and documents of others lie there too, and come from no source of this name.
    if (!entry.isFile() || !built.test(name) || name.startsWith('bundle/') || !existsSync(`${path.replace(built, '')}.d.ts`)) continue;
    const source = join(folder, 'src', name.replace(built, ''));
    if (['.ts', '.tsx'].some((ending) => existsSync(source + ending))) continue;
    removed.push(path);
  }
  removed.sort().reverse(); // declarations last: an interrupted run is taken up by the next one
  for (const path of removed) rmSync(path);
  return removed;
}

if (process.argv[1] === import.meta.filename) pruneDist(process.cwd());
