import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { answerApproval, type AnswerApprovalReply } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireApprovalId } from './approval-id.ts';

class AnswerApprovalBody {
  @IsBoolean() approved!: boolean;
  /** What the form asks for. */
  @IsOptional() @Opaque() data?: unknown;
  /** Why; the run keeps it. */
  @IsOptional() @IsString() @MaxLength(2_000) comment?: string;
}

@Controller('api/v1/approvals')
export class AnswerApprovalRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/answer')
  @Operation(answerApproval, {
    summary: 'Approve or reject',
    description: 'Its run goes on. The same answer again is the same answer; another one is refused by 409, which says who answered.',
    body: AnswerApprovalBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: AnswerApprovalBody, @FromCaller() caller: Caller): Promise<AnswerApprovalReply> {
    return this.bus.request(answerApproval, { approval: requireApprovalId(id), ...body }, caller);
  }
}
