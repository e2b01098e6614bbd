import { IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { RunView } from './run-view.ts';

export class StartDefinitionRequest {
  /** What the run is listed under, as `eval/greetings`: no workflow has such a name. */
  @Matches(/^[a-z]{1,20}\/[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/) workflow!: string;

  /** The workflow, which is kept with the run alone. */
  @IsObject() @Opaque() manifest!: Record<string, unknown>;

  /** At most 256 KiB. */
  @IsOptional() @Opaque() input?: unknown;

  @IsOptional() @IsObject() labels?: Record<string, string>;

  /** The same key again within 24 h gives the same run. */
  @IsString() @MaxLength(255) idempotencyKey!: string;
}

export class StartDefinitionReply extends RunView {}

/** Starts a run of a workflow that nobody applied: one that a service made up for the caller, of calls to agents. */
export const startDefinition = defineContract({
  subject: 'sb.execution.run.start-definition',
  request: StartDefinitionRequest,
  reply: StartDefinitionReply,
  permission: 'agents:invoke',
  callers: ['registry'],
  timeoutMs: 10_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['not_found', 'conflict', 'limited'],
});
