import type { Artifact, ArtifactFacts } from '@signalbox/shared/contracts/context/artifact.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import type { ArtifactIntent, StoredArtifact } from './artifact.ts';

/** An artifact as contracts have it. */
export function artifactView({ id, name, mediaType, size, sha256, run, step, createdAt, createdBy }: StoredArtifact): Artifact {
  return {
    id: fromUuid('artifact', id),
    name,
    mediaType,
    size,
    sha256: sha256.toString('hex'),
    run: run === null ? null : fromUuid('run', run),
    step,
    createdAt: createdAt.toISOString(),
    createdBy,
  };
}

export function intentOf({ name, mediaType, run, step, idempotencyKey }: ArtifactFacts): ArtifactIntent {
  return {
    name,
    mediaType,
    run: run === undefined ? null : toUuid(run, 'run'),
    step: step ?? null,
    idempotencyKey: idempotencyKey ?? null,
  };
}
