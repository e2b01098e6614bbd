import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  createWorkspace,
  CreateWorkspaceRequest,
  type CreateWorkspaceReply,
} from '@signalbox/shared/contracts/security/create-workspace.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { shownKey } from '../keys/key.ts';
import { KeyMaker } from '../keys/key-maker.ts';
import { requireWithin, shownPrincipal } from '../principals/principal.ts';
import { PrincipalStore } from '../principals/principal.store.ts';
import { WorkspaceStore } from './workspace.store.ts';

@Controller()
export class CreateWorkspaceHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: WorkspaceStore,
    private readonly principals: PrincipalStore,
    private readonly maker: KeyMaker,
    private readonly audit: Audit,
  ) {}

  @Handles(createWorkspace)
  async handle(@Payload() request: CreateWorkspaceRequest, @FromCaller() caller: Caller): Promise<CreateWorkspaceReply> {
    const { name, title = name, administrator: administratorName = 'admin' } = request;
    requireWithin(caller, ['admin'], []);
    const own = await this.db.inWorkspace(caller.workspace, (tx) => this.principals.get(tx, caller.workspace, caller.principal));
    if (!own.isInstallation) {
      throw new Fault('forbidden', 'only who administers the installation makes workspaces', 'Use the key that it was started with.');
    }
    const id = newUuid();
    return this.db.inWorkspace(id, async (tx) => {
      const workspace = await this.store.add(tx, { id, name, title });
      const administrator = await this.principals.add(tx, id, { kind: 'user', name: administratorName, roles: ['admin'] });
      const facts = { name: 'first key', scopes: [], createdBy: caller.principal };
      const { entry, key } = await this.maker.make(tx, id, administrator, facts);
      for (const chain of [id, caller.workspace]) {
        await this.store.goOnIn(tx, chain);
        await this.audit.append(
          tx,
          { ...caller, workspace: chain },
          { action: 'workspace.create', target: `workspace ${name}`, detail: { id } },
        );
      }
      return { workspace, administrator: shownPrincipal(administrator), key: { ...shownKey(entry), key } };
    });
  }
}
