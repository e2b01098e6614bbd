import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { updatePrincipal, UpdatePrincipalRequest } from '@signalbox/shared/contracts/security/update-principal.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { Revocations } from '../revocations/revocations.ts';
import { SessionStore } from '../sessions/session.store.ts';
import { changed, hasOtherRights, requireWithin, shownPrincipal, stopsAdministering } from './principal.ts';
import { PrincipalStore } from './principal.store.ts';

@Controller()
export class UpdatePrincipalHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: PrincipalStore,
    private readonly sessions: SessionStore,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  @Handles(updatePrincipal)
  async handle(@Payload() { id, ...change }: UpdatePrincipalRequest, @FromCaller() caller: Caller): Promise<Principal> {
    const { workspace } = caller;
    const after = await this.db.inWorkspace(workspace, async (tx) => {
      await this.store.lockAdministrators(tx, workspace);
      const before = await this.store.get(tx, workspace, id, 'change');
      requireWithin(caller, before.roles, caller.scopes);
      const next = changed(before, change, new Date(now()));
      requireWithin(caller, next.roles, caller.scopes);
      if (stopsAdministering(before, next) && (await this.store.countOtherAdministrators(tx, workspace, before.uuid)) === 0) {
        throw new Fault('conflict', 'nobody would be left to administer the workspace', 'Make another administrator first.');
      }
      await this.store.update(tx, workspace, next);
      if (hasOtherRights(before, next)) {
        const ended = await this.sessions.endAllOf(tx, workspace, before.uuid);
        await this.revocations.append(tx, workspace, [id, ...ended]);
      }
      const { name, roles, disabledAt } = next;
      await this.audit.append(tx, caller, {
        action: 'principal.update',
        target: `${next.kind} ${name}`,
        detail: {
          id,
          from: { name: before.name, roles: before.roles, disabled: before.disabledAt !== null },
          to: { name, roles, disabled: disabledAt !== null },
        },
      });
      return next;
    });
    return shownPrincipal(after);
  }
}
