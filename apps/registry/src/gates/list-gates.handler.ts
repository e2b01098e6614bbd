import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listGates, type ListGatesReply, ListGatesRequest } from '@signalbox/shared/contracts/registry/list-gates.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { gateView, knownGates, type KnownGate } from './gate.ts';
import { GateStore } from './gate.store.ts';

@Controller()
export class ListGatesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly gates: GateStore,
  ) {}

  @Handles(listGates)
  async handle(@Payload() request: ListGatesRequest, @FromCaller() { workspace }: Caller): Promise<ListGatesReply> {
    const { builtIn, cursor, limit = pageLimitDefault, q = '' } = request;
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const words = q.toLowerCase().split(/\s+/);
    const known = knownGates(await this.db.inWorkspace(workspace, (tx) => this.gates.all(tx)));
    const shown = known.filter(
      (gate) =>
        gate.manifest.metadata.name > after &&
        (builtIn === undefined || (gate.version === 0) === builtIn) &&
        words.every((word) => searched(gate).includes(word)),
    );
    return pageOf(shown, limit, ({ manifest }) => [manifest.metadata.name], gateView);
  }
}

function searched({ manifest: { metadata, spec } }: KnownGate): string {
  return [metadata.name, metadata.description ?? '', ...spec.metrics.map(({ metric }) => metric)].join('\n').toLowerCase();
}
