import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { decodePosition, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listAudit, ListAuditRequest, type ListAuditReply } from '@signalbox/shared/contracts/security/list-audit.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { AuditStore, shownEntry } from './audit.store.ts';

@Controller()
export class ListAuditHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: AuditStore,
  ) {}

  @Handles(listAudit)
  async handle(
    @Payload() { cursor, limit = pageLimitDefault, ...filter }: ListAuditRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListAuditReply> {
    const before = cursor === undefined ? null : String(decodePosition(cursor, 2 ** 53));
    const found = await this.db.inWorkspace(workspace, (tx) => this.store.list(tx, workspace, { ...filter, before, limit: limit + 1 }));
    return pageOf(found, limit, ({ seq }) => [seq], shownEntry);
  }
}
