import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listRunProblems,
  type ListRunProblemsReply,
  type ListRunProblemsRequest,
} from '@signalbox/shared/contracts/execution/list-run-problems.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { RunStore } from './run.store.ts';

@Controller()
export class ListRunProblemsHandler {
  constructor(private readonly store: RunStore) {}

  @Handles(listRunProblems)
  handle(@Payload() request: ListRunProblemsRequest, @FromCaller() { workspace }: Caller): Promise<ListRunProblemsReply> {
    return this.store.problems(workspace, request);
  }
}
