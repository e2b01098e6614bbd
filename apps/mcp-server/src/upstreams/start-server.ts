import { mkdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { SupervisorError, type ChildSpec } from '@signalbox/supervisor/child-spec.js';
import { startChild, type Child } from '@signalbox/supervisor/child.js';
import { isWithin } from '@signalbox/supervisor/containment/arguments.js';
import { isAtLeast } from '@signalbox/supervisor/containment/levels.js';
import { programPaths } from '@signalbox/supervisor/containment/program-paths.js';
import { findProgram, hostTools, levelOf } from '@signalbox/supervisor/containment/tools.js';
import { childEnvironment } from '@signalbox/supervisor/environment.js';
import type { StdioSpec } from '../manifests/manifest.ts';
import type { McpServerConfig } from '../mcp-server.config.ts';

/** Stands in commands, variables and paths for the server's own folder. */
const statePlaceholder = '${state}';

export interface RootFolder {
  path: string;
  access: 'read' | 'write';
}

/** The folders that a server is told of, as absolute paths. */
export function rootsOf(spec: StdioSpec, state: string, base: string): RootFolder[] {
  return (spec.roots ?? []).map((root) => {
    const { path, access } = typeof root === 'string' ? { path: root, access: 'read' as const } : root;
    return { path: absolute(path.replaceAll(statePlaceholder, state), base), access };
  });
}

function absolute(path: string, base: string): string {
  return normalize(isAbsolute(path) ? path : join(base, path)).replace(/(?<=.)\/$/, '');
}

/**
 * What to start for a stdio server: its command, in its folder, with nothing of our environment but an allow-list, and able to see what the
 * command and the roots name. Rejects with a SupervisorError.
 */
export async function childSpecOf(spec: StdioSpec, state: string, config: McpServerConfig): Promise<ChildSpec> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  const filled = (text: string): string => text.replaceAll(statePlaceholder, state);
  const command = spec.command.map(filled);
  const cwd = spec.cwd === undefined ? config.commandCwd : absolute(filled(spec.cwd), config.commandCwd);
  const env = childEnvironment({
    from: { PATH: config.path, ...(config.lang && { LANG: config.lang }), ...(config.tz && { TZ: config.tz }) },
    home: state,
    extra: Object.fromEntries(Object.entries(spec.env ?? {}).map(([name, value]) => [name, filled(value)])),
  });
  const program = findProgram(command[0]!, env['PATH']!, cwd);
  if (program === null) throw new SupervisorError('not-found', `there is no program ${command[0]}`);
  const roots = rootsOf(spec, state, config.commandCwd);
  const readable = [
    ...programPaths(program, command.slice(1), cwd),
    ...roots.filter(({ access }) => access === 'read').map(({ path }) => path),
  ];
  const writable = [state, ...roots.filter(({ access }) => access === 'write').map(({ path }) => path)];
  const served = [...roots.map(({ path }) => path), ...command.slice(1).map((argument) => absolute(argument, cwd))];
  await refuseHidden(
    [...readable, ...writable].filter((path) => !isWithin(path, state)),
    served,
    config,
  );
  const minimum = spec.containment ?? 'none';
  return {
    command,
    cwd,
    env,
    containment: {
      level: config.containment,
      minimum: isAtLeast(minimum, config.containmentMinimum) ? minimum : config.containmentMinimum,
      readable,
      writable,
      hidden: config.hiddenDirs,
      network: spec.network ?? false,
    },
  };
}

/** Throws for what lies in a hidden folder, and for a served folder around one where nothing can be hidden in it. */
async function refuseHidden(
  seen: readonly string[],
  served: readonly string[],
  { hiddenDirs, containment }: McpServerConfig,
): Promise<void> {
  const canHide = containment === 'strong' && levelOf(await hostTools()) === 'strong';
  for (const folder of hiddenDirs) {
    for (const path of seen) {
      const real = await realpath(path).catch(() => path);
      if (isWithin(path, folder) || isWithin(real, folder)) {
        throw new SupervisorError('refused', `${path} lies in a folder of Signalbox itself, which no server may see`);
      }
    }
    const around = canHide ? undefined : served.find((path) => isWithin(folder, path));
    if (around !== undefined)
      throw new SupervisorError('refused', `${around} holds a folder of Signalbox itself, which cannot be hidden here`);
  }
}

/** Starts the process of a stdio server. */
export async function startServer(spec: StdioSpec, state: string, config: McpServerConfig): Promise<Child> {
  return startChild(await childSpecOf(spec, state, config));
}
