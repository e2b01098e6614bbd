import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getIncident, type GetIncidentReply } from '@signalbox/shared/contracts/registry/get-incident.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireIncidentId } from './incident-id.ts';

@Controller('api/v1/incidents')
export class GetIncidentRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getIncident, { summary: 'Read an incident with its timeline' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetIncidentReply> {
    return this.bus.request(getIncident, { id: requireIncidentId(id) }, caller);
  }
}
