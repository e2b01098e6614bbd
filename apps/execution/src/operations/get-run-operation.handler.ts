import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  getRunOperation,
  type GetRunOperationReply,
  type GetRunOperationRequest,
} from '@signalbox/shared/contracts/execution/get-run-operation.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { OperationStore } from './operation.store.ts';

@Controller()
export class GetRunOperationHandler {
  constructor(private readonly store: OperationStore) {}

  @Handles(getRunOperation)
  handle(@Payload() { operation }: GetRunOperationRequest, @FromCaller() { workspace }: Caller): Promise<GetRunOperationReply> {
    return this.store.get(workspace, operation);
  }
}
