import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';

/** An agent's change, or an instance that has gone. */
export class AgentHeard {
  @IsString() @MaxLength(128) agent!: string;
  /** The instance that has gone or was isolated; absent: the agent itself was changed. */
  @IsOptional() @IsString() @MaxLength(128) instance?: string;
  /** It is isolated: what it says from now on does not count. */
  @IsOptional() @IsBoolean() isIsolated?: boolean;
}

/** What one replica of execution heard of the registry, for all of them: each keeps what it knows of agents. */
export const agentHeard = defineEvent({
  subject: 'sb.live.execution.agent.heard',
  payload: AgentHeard,
  listeners: ['execution'],
});
