import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import {
  listRunProblems,
  ListRunProblemsRequest,
  type ListRunProblemsReply,
} from '@signalbox/shared/contracts/execution/list-run-problems.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/run-problems')
export class ListRunProblemsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listRunProblems, {
    summary: 'Failures that nobody has looked after, by reason',
    description: 'Failed runs that were neither done again nor put aside, by code, workflow and step. Do so with `run-operations`.',
    query: ListRunProblemsRequest,
  })
  handle(@Query() query: ListRunProblemsRequest, @FromCaller() caller: Caller): Promise<ListRunProblemsReply> {
    return this.bus.request(listRunProblems, query, caller);
  }
}
