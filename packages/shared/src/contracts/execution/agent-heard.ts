import { IsOptional, IsString, MaxLength } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';

/** An agent's change, or an instance that has gone. */
export class AgentHeard {
  @IsString() @MaxLength(128) agent!: string;
  /** The instance that has gone; absent: the agent itself was changed. */
  @IsOptional() @IsString() @MaxLength(128) instance?: string;
}

/** What one replica of execution heard of the registry, for all of them: each keeps what it knows of agents. */
export const agentHeard = defineEvent({
  subject: 'sb.live.execution.agent.heard',
  payload: AgentHeard,
  listeners: ['execution'],
});
