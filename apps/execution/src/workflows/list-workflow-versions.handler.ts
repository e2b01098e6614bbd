import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listWorkflowVersions,
  type ListWorkflowVersionsReply,
  type ListWorkflowVersionsRequest,
} from '@signalbox/shared/contracts/execution/list-workflow-versions.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { unknownWorkflow } from './unknown-workflow.ts';
import { listVersions } from './workflow-versions.ts';

@Controller()
export class ListWorkflowVersionsHandler {
  constructor(private readonly db: WorkspaceDatabase) {}

  @Handles(listWorkflowVersions)
  async handle(
    @Payload() { name, ...filter }: ListWorkflowVersionsRequest,
    @FromCaller() caller: Caller,
  ): Promise<ListWorkflowVersionsReply> {
    const page = await this.db.inWorkspace(caller.workspace, (tx) => listVersions(tx, name, filter));
    if (page.data.length === 0 && filter.cursor === undefined && filter.q === undefined) throw unknownWorkflow(name);
    return page;
  }
}
