import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/deployments')
export class GetBoardRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/board')
  @Operation(getBoard, { summary: 'How a deployment stands, and what to do next' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<Board> {
    return this.bus.request(getBoard, { name }, caller);
  }
}
