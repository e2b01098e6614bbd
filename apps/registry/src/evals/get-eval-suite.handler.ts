import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getEvalSuite, type GetEvalSuiteReply, GetEvalSuiteRequest } from '@signalbox/shared/contracts/registry/get-eval-suite.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { suiteView, unknownSuite } from './eval-suite.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';

@Controller()
export class GetEvalSuiteHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly suites: EvalSuiteStore,
  ) {}

  @Handles(getEvalSuite)
  async handle(@Payload() { name }: GetEvalSuiteRequest, @FromCaller() { workspace }: Caller): Promise<GetEvalSuiteReply> {
    const suite = await this.db.inWorkspace(workspace, (tx) => this.suites.find(tx, name));
    if (suite === null) throw unknownSuite(name);
    return { ...suiteView(suite), manifest: { ...suite.manifest } };
  }
}
