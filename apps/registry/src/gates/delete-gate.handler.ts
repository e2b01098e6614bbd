import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteGate, type DeleteGateReply, DeleteGateRequest } from '@signalbox/shared/contracts/registry/delete-gate.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { isBuiltIn, unknownGate } from './gate.ts';
import { GateStore } from './gate.store.ts';

@Controller()
export class DeleteGateHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly gates: GateStore,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteGate)
  handle(@Payload() { name }: DeleteGateRequest, @FromCaller() caller: Caller): Promise<DeleteGateReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      if (!(await this.gates.delete(tx, name))) {
        if (!isBuiltIn(name)) throw unknownGate(name);
        throw new Fault('conflict', `the gate ${name} is built in`, `To ask for nothing, apply a gate ${name} with \`metrics: []\`.`);
      }
      await this.audit.append(tx, caller, { action: 'gate.delete', target: `gate ${name}` });
      return { name };
    });
  }
}
