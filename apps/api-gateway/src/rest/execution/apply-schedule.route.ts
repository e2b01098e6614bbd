import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsObject, IsOptional, IsString } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { applySchedule, type ApplyScheduleReply } from '@signalbox/shared/contracts/execution/apply-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class ApplyScheduleBody {
  @IsOptional() @IsString() apiVersion?: string;
  @IsOptional() @IsString() kind?: string;
  @IsOptional() @Opaque() @IsObject() metadata?: Record<string, unknown>;
  @IsOptional() @Opaque() @IsObject() spec?: Record<string, unknown>;
}

class ApplyScheduleQuery {
  /** Only say what would change. */
  @IsOptional() @Transform(({ value }: { value: unknown }) => value === 'true' || value === true) @IsBoolean() dryRun?: boolean;
}

@Controller('api/v1/schedules')
export class ApplyScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applySchedule, {
    summary: 'Create or replace a schedule',
    description: 'The body is the manifest. From then on its runs have the rights of who applied it.',
    body: ApplyScheduleBody,
    query: ApplyScheduleQuery,
  })
  handle(
    @Param('name') name: string,
    @Body() body: ApplyScheduleBody,
    @Query() { dryRun }: ApplyScheduleQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<ApplyScheduleReply> {
    const request = {
      name,
      manifest: { ...body },
      ...(dryRun !== undefined && { dryRun }),
      ...(expectedVersion !== undefined && { expectedVersion }),
    };
    return this.bus.request(applySchedule, request, caller);
  }
}
