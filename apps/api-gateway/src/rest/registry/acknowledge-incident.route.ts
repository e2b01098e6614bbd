import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { acknowledgeIncident, type AcknowledgeIncidentReply } from '@signalbox/shared/contracts/registry/acknowledge-incident.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireIncidentId } from './incident-id.ts';

class AcknowledgeIncidentBody {
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}

@Controller('api/v1/incidents')
export class AcknowledgeIncidentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/acknowledge')
  @Operation(acknowledgeIncident, {
    summary: 'Acknowledge an incident',
    description: 'Who does looks after it: nobody is reminded any more.',
    body: AcknowledgeIncidentBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: AcknowledgeIncidentBody, @FromCaller() caller: Caller): Promise<AcknowledgeIncidentReply> {
    return this.bus.request(acknowledgeIncident, { id: requireIncidentId(id), ...body }, caller);
  }
}
