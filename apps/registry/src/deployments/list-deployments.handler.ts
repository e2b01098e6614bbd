import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import {
  listDeployments,
  type ListDeploymentsReply,
  ListDeploymentsRequest,
} from '@signalbox/shared/contracts/registry/list-deployments.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Boards, deploymentView, type Stand } from './boards.ts';
import { DeploymentStore, nameAfter } from './deployment.store.ts';
import { planOf } from './plan.ts';

/** Rows read at once while a filter by status looks for a page's worth: a status is computed, no column has it. */
const filteredMax = 200;

@Controller()
export class ListDeploymentsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
  ) {}

  @Handles(listDeployments)
  async handle(@Payload() request: ListDeploymentsRequest, @FromCaller() { workspace }: Caller): Promise<ListDeploymentsReply> {
    const { limit = pageLimitDefault, status } = request;
    const readMax = status === undefined ? limit + 1 : filteredMax;
    const found: Stand[] = [];
    let after = nameAfter(request.cursor);
    for (;;) {
      const rows = await this.db.inWorkspace(workspace, (tx) => this.deployments.list(tx, { ...request, limit: readMax, after }));
      const services = await this.boards.look(rows.map((row) => planOf(row.manifest)));
      const stands = await this.db.inWorkspace(workspace, (tx) => this.boards.of(tx, rows, services));
      found.push(...stands.filter((stand) => status === undefined || stand.board.status === status));
      if (rows.length < readMax || found.length > limit) break;
      after = rows.at(-1)!.name;
    }
    const shown = found.slice(0, limit);
    return {
      data: shown.map(deploymentView),
      nextCursor: found.length > limit ? encodeCursor([shown.at(-1)!.row.name]) : null,
    };
  }
}
