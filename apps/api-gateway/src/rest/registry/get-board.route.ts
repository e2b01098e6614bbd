import { Controller, Get, Param, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsOptional, Matches } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { asList } from '../../platform/as-list.ts';

class GetBoardQuery {
  /** `agent=days`, also `agent=-days`: the board as it would be if these agents took so many days more or less. */
  @IsOptional()
  @Transform(asList)
  @IsArray()
  @ArrayMaxSize(50)
  @Matches(/^[a-z0-9-]{1,63}=-?\d{1,4}(?:\.\d{1,6})?$/, {
    each: true,
    message: 'must be AGENT=DAYS, as api-endpoint=2 or api-endpoint=-0.5',
  })
  slip?: string[];
}

@Controller('api/v1/deployments')
export class GetBoardRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/board')
  @Operation(getBoard, {
    summary: 'How a deployment stands, and what to do next',
    description: 'With `slip=agent=days`: how it would stand if that agent took so many days more.',
    query: GetBoardQuery,
  })
  handle(@Param('name') name: string, @Query() { slip }: GetBoardQuery, @FromCaller() caller: Caller): Promise<Board> {
    const slips = slip?.map((text) => text.split('=') as [string, string]).map(([agent, days]) => ({ agent, days: Number(days) }));
    return this.bus.request(getBoard, { name, ...(slips && { slips }) }, caller);
  }
}
