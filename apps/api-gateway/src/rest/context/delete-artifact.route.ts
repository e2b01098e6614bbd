import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteArtifact } from '@signalbox/shared/contracts/context/delete-artifact.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireArtifactId } from './artifact-id.ts';

@Controller('api/v1/artifacts')
export class DeleteArtifactRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':id')
  @Operation(deleteArtifact, { summary: 'Take an artifact away', status: 204 })
  async handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteArtifact, { artifact: requireArtifactId(id) }, caller);
  }
}
