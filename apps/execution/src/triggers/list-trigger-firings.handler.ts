import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listTriggerFirings,
  type ListTriggerFiringsReply,
  type ListTriggerFiringsRequest,
} from '@signalbox/shared/contracts/execution/list-trigger-firings.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { listFirings } from '../schedules/firing.store.ts';
import { TriggerStore } from './trigger.store.ts';

@Controller()
export class ListTriggerFiringsHandler {
  constructor(
    private readonly store: TriggerStore,
    private readonly db: WorkspaceDatabase,
  ) {}

  @Handles(listTriggerFirings)
  async handle(@Payload() { name, ...filter }: ListTriggerFiringsRequest, @FromCaller() caller: Caller): Promise<ListTriggerFiringsReply> {
    const { source } = await this.store.get(caller.workspace, name);
    return this.db.inWorkspace(caller.workspace, (tx) => listFirings(tx, source.id, filter));
  }
}
