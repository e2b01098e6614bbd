import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { AgentManifest } from './manifest.ts';
import { invalidManifest, parseManifest } from './parse-manifest.ts';
import { skillSchemaFaults } from './skill-schemas.ts';

const sections = ['mcp', 'worker', 'llm', 'http'] as const;

/** Variables that make a program run other code than its command names: they are nobody's to set. */
const hijackingVariables =
  /^(?:NODE_OPTIONS|NODE_PATH|NODE_REPL_EXTERNAL_MODULE|LD_.*|DYLD_.*|BASH_ENV|ENV|IFS|SHELLOPTS|PATH|PYTHON(?:STARTUP|PATH|HOME)|PERL5?(?:OPT|LIB)|RUBY(?:OPT|LIB)|JAVA_TOOL_OPTIONS|GIT_.*|NPM_CONFIG_.*|SIGNALBOX_.*)$/;

/** An agent's manifest that can be used, or `invalid` with every fault that was found. */
export function parseAgentManifest(name: string, value: unknown): AgentManifest {
  const manifest = parseManifest('Agent', name, value);
  const faults = [...sectionFaults(manifest), ...workerFaults(manifest), ...skillSchemaFaults(manifest.spec.skills ?? [])];
  if (faults.length > 0) throw invalidManifest('Agent', faults);
  return manifest;
}

/** Whether somebody who applies it decides which program runs on the host. */
export function namesCommand(manifest: AgentManifest): boolean {
  return manifest.spec.worker?.command !== undefined;
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
  for (const [variable, value] of Object.entries(worker.env ?? {})) {
    if (hijackingVariables.test(variable))
      faults.push({ pointer: `/spec/worker/env/${variable}`, detail: 'is a variable that no manifest may set' });
    if (value.startsWith('secret://')) {
      faults.push({
        pointer: `/spec/worker/env/${variable}`,
        detail: 'is a secret: a worker reads secrets through Signalbox, not from its environment',
      });
    }
  }
  return faults;
}
