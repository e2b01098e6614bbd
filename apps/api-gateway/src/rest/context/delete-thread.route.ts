import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteThread } from '@signalbox/shared/contracts/context/delete-thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireThreadId } from './thread-id.ts';

@Controller('api/v1/threads')
export class DeleteThreadRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':id')
  @Operation(deleteThread, { summary: 'Take a conversation and its messages away', status: 204 })
  async handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteThread, { thread: requireThreadId(id) }, caller);
  }
}
