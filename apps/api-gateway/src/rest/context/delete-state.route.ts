import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteState, type DeleteStateReply } from '@signalbox/shared/contracts/context/delete-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/state')
export class DeleteStateRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':scope/:key')
  @Operation(deleteState, {
    summary: 'Take one key of shared state away',
    description: 'Its history stays; a later write goes on counting.',
  })
  handle(
    @Param('scope') scope: string,
    @Param('key') key: string,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<DeleteStateReply> {
    return this.bus.request(deleteState, { scope, key, ...(expectedVersion !== undefined && { expectedVersion }) }, caller);
  }
}
