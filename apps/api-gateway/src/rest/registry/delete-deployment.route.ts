import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteDeployment, type DeleteDeploymentReply } from '@signalbox/shared/contracts/registry/delete-deployment.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/deployments')
export class DeleteDeploymentRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteDeployment, { summary: 'Forget a deployment that is not started' })
  handle(
    @Param('name') name: string,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<DeleteDeploymentReply> {
    return this.bus.request(deleteDeployment, { name, ...(expectedVersion !== undefined && { expectedVersion }) }, caller);
  }
}
