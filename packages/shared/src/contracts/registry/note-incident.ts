import { IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Incident } from './incident.ts';

export class NoteIncidentRequest {
  @Matches(idPattern('incident')) id!: string;
  @IsString() @MinLength(1) @MaxLength(2_000) note!: string;
}

export class NoteIncidentReply extends Incident {}

/** Adds a note to the timeline, also of one that is resolved. `limited`: it has 500 entries. */
export const noteIncident = defineContract({
  subject: 'sb.registry.incident.note',
  request: NoteIncidentRequest,
  reply: NoteIncidentReply,
  permission: 'incidents:write',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: false,
  errors: ['not_found', 'limited'],
});
