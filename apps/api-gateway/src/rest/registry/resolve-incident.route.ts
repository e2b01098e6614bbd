import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { resolveIncident, type ResolveIncidentReply } from '@signalbox/shared/contracts/registry/resolve-incident.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireIncidentId } from './incident-id.ts';

class ResolveIncidentBody {
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}

@Controller('api/v1/incidents')
export class ResolveIncidentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/resolve')
  @Operation(resolveIncident, {
    summary: 'End an incident',
    description: 'The next fault of its cause opens another. What is isolated stays so.',
    body: ResolveIncidentBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: ResolveIncidentBody, @FromCaller() caller: Caller): Promise<ResolveIncidentReply> {
    return this.bus.request(resolveIncident, { id: requireIncidentId(id), ...body }, caller);
  }
}
