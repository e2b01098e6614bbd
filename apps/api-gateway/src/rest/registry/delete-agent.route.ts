import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteAgent, type DeleteAgentReply } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/agents')
export class DeleteAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteAgent, { summary: 'Forget an agent, its versions and instances' })
  handle(
    @Param('name') name: string,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<DeleteAgentReply> {
    return this.bus.request(deleteAgent, { name, ...(expectedVersion !== undefined && { expectedVersion }) }, caller);
  }
}
