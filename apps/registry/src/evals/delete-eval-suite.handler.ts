import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteEvalSuite,
  type DeleteEvalSuiteReply,
  DeleteEvalSuiteRequest,
} from '@signalbox/shared/contracts/registry/delete-eval-suite.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownSuite } from './eval-suite.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';
import { EvalStore } from './eval.store.ts';

@Controller()
export class DeleteEvalSuiteHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly suites: EvalSuiteStore,
    private readonly evals: EvalStore,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteEvalSuite)
  handle(@Payload() { name }: DeleteEvalSuiteRequest, @FromCaller() caller: Caller): Promise<DeleteEvalSuiteReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const suite = await this.suites.find(tx, name);
      if (suite === null || !(await this.suites.lock(tx, suite))) throw unknownSuite(name);
      const run = await this.evals.runningOf(tx, suite.id);
      if (run !== undefined) {
        throw new Fault('conflict', `an eval of the suite ${name} is running`, `Wait for it, or cancel it: signalbox cancel ${run}.`);
      }
      await this.suites.delete(tx, suite);
      await this.audit.append(tx, caller, { action: 'eval-suite.delete', target: `eval-suite ${name}` });
      return { name };
    });
  }
}
