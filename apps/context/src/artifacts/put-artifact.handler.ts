import { createHash } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { chunksOf } from '@signalbox/shared/bus/stream.js';
import { putArtifact, PutArtifactReply, PutArtifactRequest } from '@signalbox/shared/contracts/context/put-artifact.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ContextConfig } from '../context.config.ts';
import { KnownRuns } from '../runs/known-runs.ts';
import { checkSize, contentBytes } from './artifact.ts';
import { ArtifactStore } from './artifact.store.ts';
import { artifactView, intentOf } from './artifact.view.ts';

@Controller()
export class PutArtifactHandler {
  constructor(
    private readonly store: ArtifactStore,
    private readonly config: ContextConfig,
    private readonly runs: KnownRuns,
  ) {}

  @Handles(putArtifact)
  async handle(@Payload() put: PutArtifactRequest, @FromCaller() caller: Caller): Promise<PutArtifactReply> {
    const bytes = contentBytes(put.content, put.encoding ?? 'utf8');
    checkSize(bytes.length, this.config.artifactMaxBytes);
    if (put.run !== undefined) await this.runs.require(caller, put.run);
    const sha256 = createHash('sha256').update(bytes).digest();
    const made = await this.store.create(caller, intentOf(put), async () => ({
      sha256,
      size: bytes.length,
      write: async (tx) => {
        let index = 0;
        for await (const part of chunksOf([bytes])) {
          await tx.query(`INSERT INTO blob_chunk (workspace, sha256, index, bytes) VALUES ($1, $2, $3, $4)`, [
            caller.workspace,
            sha256,
            index++,
            part,
          ]);
        }
      },
    }));
    return artifactView(made);
  }
}
