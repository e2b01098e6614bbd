import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getArtifact, type GetArtifactReply } from '@signalbox/shared/contracts/context/get-artifact.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireArtifactId } from './artifact-id.ts';

@Controller('api/v1/artifacts')
export class GetArtifactRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getArtifact, { summary: 'An artifact without its content' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetArtifactReply> {
    return this.bus.request(getArtifact, { artifact: requireArtifactId(id) }, caller);
  }
}
