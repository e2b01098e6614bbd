import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listEvalSuites, type ListEvalSuitesReply, ListEvalSuitesRequest } from '@signalbox/shared/contracts/registry/list-eval-suites.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { suiteView } from './eval-suite.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';

@Controller()
export class ListEvalSuitesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly suites: EvalSuiteStore,
  ) {}

  @Handles(listEvalSuites)
  async handle(@Payload() request: ListEvalSuitesRequest, @FromCaller() { workspace }: Caller): Promise<ListEvalSuitesReply> {
    const suites = await this.db.inWorkspace(workspace, (tx) => this.suites.list(tx, request));
    return pageOf(suites, request.limit ?? pageLimitDefault, ({ manifest }) => [manifest.metadata.name], suiteView);
  }
}
