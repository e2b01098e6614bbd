import type { ArtifactTarget } from '@signalbox/shared/contracts/protocol/start-task.js';

/** What an artifact is made of: text as it is, all else as JSON. */
export function artifactContent({ name, mediaType, content }: ArtifactTarget): { name: string; mediaType: string; bytes: Buffer } {
  const isText = typeof content === 'string';
  return {
    name,
    mediaType: mediaType ?? (isText ? 'text/plain; charset=utf-8' : 'application/json'),
    bytes: Buffer.from(isText ? content : JSON.stringify(content ?? null, null, 2)),
  };
}
