import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsString, MaxLength, MinLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { noteIncident, type NoteIncidentReply } from '@signalbox/shared/contracts/registry/note-incident.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireIncidentId } from './incident-id.ts';

class NoteIncidentBody {
  @IsString() @MinLength(1) @MaxLength(2_000) note!: string;
}

@Controller('api/v1/incidents')
export class NoteIncidentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/notes')
  @Operation(noteIncident, {
    summary: 'Add a note to the timeline of an incident',
    body: NoteIncidentBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: NoteIncidentBody, @FromCaller() caller: Caller): Promise<NoteIncidentReply> {
    return this.bus.request(noteIncident, { id: requireIncidentId(id), ...body }, caller);
  }
}
