import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getGate, type GetGateReply, GetGateRequest } from '@signalbox/shared/contracts/registry/get-gate.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { gateView, knownGates, unknownGate } from './gate.ts';
import { GateStore } from './gate.store.ts';

@Controller()
export class GetGateHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly gates: GateStore,
  ) {}

  @Handles(getGate)
  async handle(@Payload() { name }: GetGateRequest, @FromCaller() { workspace }: Caller): Promise<GetGateReply> {
    const known = knownGates(await this.db.inWorkspace(workspace, (tx) => this.gates.all(tx)));
    const gate = known.find(({ manifest }) => manifest.metadata.name === name);
    if (gate === undefined) throw unknownGate(name);
    return { ...gateView(gate), manifest: { ...gate.manifest } };
  }
}
