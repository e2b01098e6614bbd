import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsIn, IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { approvePromotion, type ApprovePromotionReply } from '@signalbox/shared/contracts/registry/approve-promotion.js';
import { stages, type Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class ApprovePromotionBody {
  @IsInt() @Min(1) version!: number;
  @IsIn(stages) to!: Stage;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

@Controller('api/v1/agents')
export class ApprovePromotionRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/approve')
  @Operation(approvePromotion, {
    summary: 'Agree that somebody else puts a version of an agent at a stage',
    description: 'It counts where a gate of the stage asks for it, from its roles, and not for a promotion that you ask for yourself.',
    body: ApprovePromotionBody,
    status: 200,
  })
  handle(@Param('name') agent: string, @Body() body: ApprovePromotionBody, @FromCaller() caller: Caller): Promise<ApprovePromotionReply> {
    return this.bus.request(approvePromotion, { agent, ...body }, caller);
  }
}
