import { Fault } from '@signalbox/shared/errors/fault.js';
import type { ApplyAction } from '@signalbox/shared/contracts/registry/apply-reply.js';
import type { AgentManifest } from '../manifests/manifest.ts';

/** What is known of something that can be applied. */
export interface Applied {
  version: number;
  hash: string;
  /** The version that was applied last, where that may be another. */
  latest?: number;
}

/**
 * What applying a manifest does: nothing where the hash is the same, else the next version. `conflict` (412) when `expectedVersion` is not the
 * current one; 0 stands for: there is none.
 */
export function nextVersion(
  what: string,
  current: Applied | null,
  hash: string,
  expectedVersion: number | undefined,
): { action: ApplyAction; version: number } {
  const version = current?.version ?? 0;
  if (expectedVersion !== undefined && expectedVersion !== version) throw staleVersion(what, version, expectedVersion);
  if (current?.hash === hash) return { action: 'unchanged', version };
  return { action: current === null ? 'created' : 'updated', version: (current?.latest ?? version) + 1 };
}

/** `conflict` (412): somebody else was faster. */
export function staleVersion(what: string, version: number, expected: number): Fault {
  const stands = version === 0 ? 'does not exist' : `is at version ${version}`;
  return new Fault('conflict', `${what} ${stands}, not at version ${expected}`, 'Read it again and repeat the change.', { status: 412 });
}

/** `not_found`: as if nothing had that name. */
export function unknownAgent(name: string): Fault {
  return new Fault('not_found', `there is no agent ${name}`, 'Check the name, or apply its manifest first.');
}

/** `not_found`: the agent has no such version. */
export function unknownVersion(name: string, version: number, current: number): Fault {
  return new Fault('not_found', `the agent ${name} has no version ${version}: the current one is ${current}`, 'Name one of its versions.');
}

/** What a search looks into: lower case, name first. */
export function searchText({ metadata, spec }: AgentManifest): string {
  const skills = (spec.skills ?? []).flatMap((skill) => [skill.name, skill.description]);
  return [metadata.name, descriptionOf({ metadata, spec }), ...skills].join('\n').toLowerCase();
}

/** The description of the specification, else of the metadata. */
export function descriptionOf({ metadata, spec }: Pick<AgentManifest, 'metadata' | 'spec'>): string {
  return spec.description ?? metadata.description ?? '';
}
