import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listEvals, type ListEvalsReply, ListEvalsRequest } from '@signalbox/shared/contracts/registry/list-evals.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { evalView } from './eval-row.ts';
import { EvalStore } from './eval.store.ts';

@Controller()
export class ListEvalsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly evals: EvalStore,
  ) {}

  @Handles(listEvals)
  async handle(@Payload() request: ListEvalsRequest, @FromCaller() { workspace }: Caller): Promise<ListEvalsReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.evals.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, ({ id }) => [fromUuid('eval', id)], evalView);
  }
}
