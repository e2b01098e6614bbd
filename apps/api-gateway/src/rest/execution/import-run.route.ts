import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteArtifact } from '@signalbox/shared/contracts/context/delete-artifact.js';
import { importRun, type ImportRunReply } from '@signalbox/shared/contracts/execution/import-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { keepArtifact } from '../context/keep-artifact.ts';

const mediaType = 'application/x-ndjson';

@Controller('api/v1/runs')
export class ImportRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post('import')
  @Operation(importRun, {
    summary: 'Read a run from a file',
    description:
      'The body is what `GET /api/v1/runs/{id}/export` gave, at most 32 MiB. The run gets an identifier of its own, and `origin` says where it is from; it has ended, and nothing of it is done again. Also needs the permissions `workflows:write` and `artifacts:write`.',
    consumes: '*/*',
    status: 201,
  })
  async handle(
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportRunReply> {
    // Of any size, it comes as an artifact does, and is one until it is read.
    const { id: artifact } = await keepArtifact(this.bus, { name: 'run.jsonl', mediaType }, request, caller);
    try {
      const run = await this.bus.request(importRun, { artifact, ...(idempotencyKey !== undefined && { idempotencyKey }) }, caller);
      reply.header('location', `/api/v1/runs/${run.id}`);
      return run;
    } finally {
      await this.bus
        .request(deleteArtifact, { artifact }, caller)
        .catch((err: unknown) => log.warn('the file of an imported run stays as an artifact', { artifact, err }));
    }
  }
}
