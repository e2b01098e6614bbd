import { Body, Controller, Get, Param, Put, Query, Res, type Type } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Contract } from '@signalbox/shared/bus/contract.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApplyQuery } from './apply-query.ts';
import { etagOf, IfMatch } from './if-match.ts';
import { ManifestBody } from './manifest-body.ts';
import { Operation, type OperationOptions } from './operation.ts';

interface ApplyRequest {
  name: string;
  manifest: Record<string, unknown>;
  dryRun?: boolean;
  expectedVersion?: number;
}

interface Applied {
  resource: { version: number };
}

/**
 * `PUT /api/v1/<path>/{name}`: creates what a manifest describes or replaces it, with its version as `ETag`. `name`: that of the operation, as
 * `ApplyAgent`.
 */
export function applyRoute<Request extends ApplyRequest, Reply extends Applied>(
  name: string,
  path: string,
  contract: Contract<Request, Reply>,
  shown: Pick<OperationOptions, 'summary' | 'description'>,
): Type {
  @Controller(`api/v1/${path}`)
  class ApplyRoute {
    constructor(private readonly bus: Bus) {}

    @Put(':name')
    @Operation(contract, { ...shown, body: ManifestBody, query: ApplyQuery })
    async handle(
      @Param('name') named: string,
      @Body() manifest: ManifestBody,
      @Query() query: ApplyQuery,
      @IfMatch() expectedVersion: number | undefined,
      @FromCaller() caller: Caller,
      @Res({ passthrough: true }) response: FastifyReply,
    ): Promise<Reply> {
      const request: ApplyRequest = {
        name: named,
        manifest: { ...manifest },
        ...query,
        ...(expectedVersion !== undefined && { expectedVersion }),
      };
      const reply = await this.bus.request(contract, request as Request, caller);
      if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
      return reply;
    }
  }
  return named(ApplyRoute, name);
}

/** `GET /api/v1/<path>/{name}`: what there is of that name, with its version as `ETag`. `name`: that of the operation, as `GetAgent`. */
export function getRoute<Request extends { name: string }, Reply extends { version: number }>(
  name: string,
  path: string,
  contract: Contract<Request, Reply>,
  shown: Pick<OperationOptions, 'summary' | 'description'>,
): Type {
  @Controller(`api/v1/${path}`)
  class GetRoute {
    constructor(private readonly bus: Bus) {}

    @Get(':name')
    @Operation(contract, shown)
    async handle(
      @Param('name') asked: string,
      @FromCaller() caller: Caller,
      @Res({ passthrough: true }) response: FastifyReply,
    ): Promise<Reply> {
      const reply = await this.bus.request(contract, { name: asked } as Request, caller);
      response.header('etag', etagOf(reply.version));
      return reply;
    }
  }
  return named(GetRoute, name);
}

/** The reference pages name operations after their classes. */
function named(route: Type, name: string): Type {
  return Object.defineProperty(route, 'name', { value: `${name}Route` });
}
