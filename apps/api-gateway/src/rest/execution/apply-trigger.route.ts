import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsObject, IsOptional, IsString } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { applyTrigger, type ApplyTriggerReply } from '@signalbox/shared/contracts/execution/apply-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class ApplyTriggerBody {
  @IsOptional() @IsString() apiVersion?: string;
  @IsOptional() @IsString() kind?: string;
  @IsOptional() @Opaque() @IsObject() metadata?: Record<string, unknown>;
  @IsOptional() @Opaque() @IsObject() spec?: Record<string, unknown>;
}

class ApplyTriggerQuery {
  /** Only say what would change. */
  @IsOptional() @Transform(({ value }: { value: unknown }) => value === 'true' || value === true) @IsBoolean() dryRun?: boolean;
}

@Controller('api/v1/triggers')
export class ApplyTriggerRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyTrigger, {
    summary: 'Create or replace a trigger',
    description: 'The body is the manifest. From then on its runs have the rights of who applied it.',
    body: ApplyTriggerBody,
    query: ApplyTriggerQuery,
  })
  handle(
    @Param('name') name: string,
    @Body() body: ApplyTriggerBody,
    @Query() { dryRun }: ApplyTriggerQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<ApplyTriggerReply> {
    const request = {
      name,
      manifest: { ...body },
      ...(dryRun !== undefined && { dryRun }),
      ...(expectedVersion !== undefined && { expectedVersion }),
    };
    return this.bus.request(applyTrigger, request, caller);
  }
}
