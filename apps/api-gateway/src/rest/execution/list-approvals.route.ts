import { Controller, Get, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { approvalStatuses, type ApprovalStatus } from '@signalbox/shared/contracts/execution/approval-view.js';
import { listApprovals, type ListApprovalsReply } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { asList } from '../../platform/as-list.ts';

const asBoolean = ({ value }: { value: unknown }): unknown => (value === 'true' ? true : value === 'false' ? false : value);

class ListApprovalsQuery extends PageRequest {
  /** Any of these, separated by commas or given several times. */
  @IsOptional() @Transform(asList) @IsArray() @ArrayMaxSize(5) @IsIn(approvalStatuses, { each: true }) status?: ApprovalStatus[];
  /** Only those that you may answer, or have answered. */
  @IsOptional() @Transform(asBoolean) @IsBoolean() mine?: boolean;
  @IsOptional() @Matches(idPattern('run')) run?: string;
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
}

@Controller('api/v1/approvals')
export class ListApprovalsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listApprovals, { summary: 'Approvals, the newest first', query: ListApprovalsQuery })
  handle(@Query() query: ListApprovalsQuery, @FromCaller() caller: Caller): Promise<ListApprovalsReply> {
    return this.bus.request(listApprovals, query, caller);
  }
}
