import { Controller, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, Matches } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { artifactNamePattern, stepKeyPattern, type Artifact, type ArtifactFacts } from '@signalbox/shared/contracts/context/artifact.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { keepArtifact } from './keep-artifact.ts';
import { uploadedType } from './uploads.ts';

class CreateArtifactQuery {
  /** A file's name, without a folder. */
  @Matches(artifactNamePattern) name!: string;
  /** The run that it belongs to. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
  /** The step's key in that run. */
  @IsOptional() @Matches(stepKeyPattern) step?: string;
}

@Controller('api/v1/artifacts')
export class CreateArtifactRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(putArtifact, {
    summary: 'Keep an artifact',
    description:
      'The body is its content, of any type and up to the limit of `context` (64 MiB unless set otherwise); `Content-Type` is its media type.',
    query: CreateArtifactQuery,
    consumes: '*/*',
    status: 201,
  })
  async handle(
    @Query() query: CreateArtifactQuery,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Artifact> {
    const facts: ArtifactFacts = { ...query, mediaType: uploadedType(request), ...(idempotencyKey !== undefined && { idempotencyKey }) };
    const made = await keepArtifact(this.bus, facts, request, caller);
    reply.header('location', `/api/v1/artifacts/${made.id}`);
    return made;
  }
}
