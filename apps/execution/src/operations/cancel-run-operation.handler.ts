import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  cancelRunOperation,
  type CancelRunOperationReply,
  type CancelRunOperationRequest,
} from '@signalbox/shared/contracts/execution/cancel-run-operation.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { OperationStore } from './operation.store.ts';

@Controller()
export class CancelRunOperationHandler {
  constructor(
    private readonly store: OperationStore,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(cancelRunOperation)
  handle(@Payload() { operation }: CancelRunOperationRequest, @FromCaller() caller: Caller): Promise<CancelRunOperationReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const view = await this.store.cancel(tx, operation);
      await this.audit.append(tx, caller, { action: 'run-operation.cancel', target: `operation ${operation}` });
      return view;
    });
  }
}
