import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listRunOperations,
  type ListRunOperationsReply,
  type ListRunOperationsRequest,
} from '@signalbox/shared/contracts/execution/list-run-operations.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { OperationStore } from './operation.store.ts';

@Controller()
export class ListRunOperationsHandler {
  constructor(private readonly store: OperationStore) {}

  @Handles(listRunOperations)
  handle(@Payload() { limit, cursor }: ListRunOperationsRequest, @FromCaller() { workspace }: Caller): Promise<ListRunOperationsReply> {
    return this.store.list(workspace, limit, cursor);
  }
}
