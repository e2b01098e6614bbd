import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getEval, type GetEvalReply, GetEvalRequest } from '@signalbox/shared/contracts/registry/get-eval.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { evalView, unknownEval } from './eval-row.ts';
import { EvalStore } from './eval.store.ts';

@Controller()
export class GetEvalHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly evals: EvalStore,
  ) {}

  @Handles(getEval)
  async handle(@Payload() { id }: GetEvalRequest, @FromCaller() { workspace }: Caller): Promise<GetEvalReply> {
    const row = await this.db.inWorkspace(workspace, (tx) => this.evals.find(tx, toUuid(id, 'eval')));
    if (row === null) throw unknownEval(id);
    return evalView(row);
  }
}
