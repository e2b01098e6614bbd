import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listUsage, type ListUsageReply, type ListUsageRequest } from '@signalbox/shared/contracts/execution/list-usage.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { UsageStore } from './usage.store.ts';

@Controller()
export class ListUsageHandler {
  constructor(private readonly store: UsageStore) {}

  @Handles(listUsage)
  handle(@Payload() request: ListUsageRequest, @FromCaller() { workspace }: Caller): Promise<ListUsageReply> {
    return this.store.list(workspace, request);
  }
}
