import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { getBoard, GetBoardRequest } from '@signalbox/shared/contracts/registry/get-board.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { UnstartedMembers } from '../bring-up/unstarted-members.ts';
import { boardOf } from './board.ts';
import { Boards } from './boards.ts';
import { unknownDeployment } from './deployment.ts';
import { DeploymentStore } from './deployment.store.ts';
import { planOf } from './plan.ts';
import { slipsOf } from './slips.ts';

/** A message holds 512 KiB; a board that is larger goes without the steps of its agents. */
const bytesMax = 480 * 1024;

@Controller()
export class GetBoardHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly unstarted: UnstartedMembers,
  ) {}

  @Handles(getBoard)
  async handle(@Payload() { name, slips = [] }: GetBoardRequest, @FromCaller() caller: Caller): Promise<Board> {
    const row = await this.db.inWorkspace(caller.workspace, (tx) => this.deployments.find(tx, name));
    if (row === null) throw unknownDeployment(name);
    const seen = await this.unstarted.of(row, caller);
    const services = await this.boards.look([planOf(row.manifest)]);
    const stand = await this.db.inWorkspace(caller.workspace, (tx) => this.boards.one(tx, row, services, seen));
    const board = slips.length === 0 ? stand.board : boardOf(name, stand.plan, stand.facts, slipsOf(stand.board, slips));
    if (Buffer.byteLength(JSON.stringify(board)) <= bytesMax) return board;
    return { ...board, agents: board.agents.map((agent) => ({ ...agent, steps: [] })) };
  }
}
