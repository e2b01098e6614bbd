import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { IsObject, IsOptional, IsString } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { applySchedule, type ApplyScheduleReply } from '@signalbox/shared/contracts/execution/apply-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class ApplyScheduleBody {
  @IsOptional() @IsString() apiVersion?: string;
  @IsOptional() @IsString() kind?: string;
  @IsOptional() @Opaque() @IsObject() metadata?: Record<string, unknown>;
  @IsOptional() @Opaque() @IsObject() spec?: Record<string, unknown>;
}

@Controller('api/v1/schedules')
export class ApplyScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applySchedule, {
    summary: 'Create or replace a schedule',
    description: 'The body is the manifest. From then on its runs have the rights of who applied it.',
    body: ApplyScheduleBody,
    query: ApplyQuery,
  })
  handle(
    @Param('name') name: string,
    @Body() body: ApplyScheduleBody,
    @Query() query: ApplyQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<ApplyScheduleReply> {
    const request = {
      name,
      manifest: { ...body },
      ...query,
      ...(expectedVersion !== undefined && { expectedVersion }),
    };
    return this.bus.request(applySchedule, request, caller);
  }
}
