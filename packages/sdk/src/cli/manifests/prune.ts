import type { SignalboxClient } from '../../client/client.ts';
import type { Manifest } from '../../client/schema.ts';
import { kinds, listMax, pageRows, type Kind } from './kinds.ts';
import type { Loaded } from './load.ts';

/** The label that says of which set a manifest is: whoever applies the set may remove it. */
export const setLabel = 'signalbox.dev/set';

/** Something of the set that no manifest describes any more. */
export interface Orphan {
  kind: Kind;
  name: string;
  /** `agent/librarian`. */
  title: string;
}

/** The manifests with the label of their set. */
export function inSet(loaded: readonly Loaded[], set: string): Loaded[] {
  return loaded.map((one) => (one.manifest.kind === 'StepReport' ? one : { ...one, manifest: labelled(one.manifest, set) }));
}

function labelled(manifest: Manifest, set: string): Manifest {
  const { metadata } = manifest;
  return { ...manifest, metadata: { ...metadata, labels: { ...metadata.labels, [setLabel]: set } } };
}

/** What stands with the label of the set and is in none of its manifests, in the order in which it can be removed. */
export async function orphansOf(client: SignalboxClient, set: string, loaded: readonly Loaded[], signal: AbortSignal): Promise<Orphan[]> {
  const described = new Set(loaded.map(({ manifest: { kind, metadata } }) => `${kind}/${metadata?.name}`));
  const orphans: Orphan[] = [];
  for (const kind of kinds.toReversed()) {
    const standing = await kind.of(client).list({ limit: pageRows }, { signal }).take(listMax);
    for (const { name, labels } of standing) {
      if (labels[setLabel] === set && !described.has(`${kind.kind}/${name}`)) orphans.push({ kind, name, title: `${kind.word}/${name}` });
    }
  }
  return orphans;
}
