import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import {
  listEvalAttempts,
  type ListEvalAttemptsReply,
  ListEvalAttemptsRequest,
} from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { attemptView, suiteOf, unknownEval } from './eval-row.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';
import { EvalStore } from './eval.store.ts';

/** Bytes of one page: cases may be large, and a message is not. */
const pageBytes = 300_000;

@Controller()
export class ListEvalAttemptsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly evals: EvalStore,
    private readonly suites: EvalSuiteStore,
  ) {}

  @Handles(listEvalAttempts)
  handle(@Payload() { id, ...page }: ListEvalAttemptsRequest, @FromCaller() { workspace }: Caller): Promise<ListEvalAttemptsReply> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.evals.find(tx, toUuid(id, 'eval'));
      if (row === null) throw unknownEval(id);
      const manifest = suiteOf(row, await this.suites.manifestOf(tx, row.suite, row.suite_version));
      const rows = await this.evals.attempts(tx, row.id, page);
      let bytes = 0;
      // At least one: a case has at most 200,000 bytes.
      const fitting = rows.findIndex(
        (each, at) => (bytes += Buffer.byteLength(JSON.stringify(attemptView(each, manifest)))) > pageBytes && at > 0,
      );
      const limit = Math.min(page.limit ?? pageLimitDefault, fitting < 0 ? Infinity : fitting);
      return pageOf(
        rows,
        limit,
        ({ number }) => [number],
        (each) => attemptView(each, manifest),
      );
    });
  }
}
