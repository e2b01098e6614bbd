import { isAbsolute, resolve } from 'node:path';
import type { Manifest } from '../../client/schema.ts';

interface Places {
  cwd?: unknown;
  roots?: unknown;
}

/**
 * Makes the relative folders of a manifest absolute, against the folder of its file: `cwd` and `roots` of a stdio McpServer, `cwd` of a
 * worker. So one manifest works in every clone. Without a `cwd` it is the file's folder.
 */
export function resolvePaths(manifest: Manifest, folder: string): Manifest {
  const spec = manifest.spec as Record<string, unknown>;
  if (manifest.kind === 'McpServer' && spec['transport'] === 'stdio') {
    return { ...manifest, spec: { ...spec, ...placed(spec, folder) } };
  }
  const worker = spec['worker'];
  if (manifest.kind === 'Agent' && worker !== null && typeof worker === 'object' && 'command' in worker) {
    return { ...manifest, spec: { ...spec, worker: { ...worker, ...placed(worker as Places, folder) } } };
  }
  return manifest;
}

function placed(places: Places, folder: string): Places {
  // `${state}` is a folder that the service knows.
  const absolute = (path: unknown): unknown =>
    typeof path === 'string' && !isAbsolute(path) && !path.startsWith('${') ? resolve(folder, path) : path;
  const root = (one: unknown): unknown =>
    one !== null && typeof one === 'object' && 'path' in one ? { ...one, path: absolute(one.path) } : absolute(one);
  return {
    cwd: absolute(places.cwd ?? '.'),
    ...(Array.isArray(places.roots) && { roots: places.roots.map(root) }),
  };
}
