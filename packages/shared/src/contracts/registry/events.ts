import { IsBoolean, IsIn, IsInt, IsNumber, IsOptional, IsString, Matches, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { agentKinds, agentStatuses, breakerStates, hashPattern, type AgentKind, type AgentStatus, type BreakerState } from './agent.ts';
import { deploymentStatuses, stepStates, type DeploymentStatus, type StepState } from './deployment.ts';
import { evalStatuses, type EvalStatus } from './eval.ts';
import { stageMoves, type StageMoveKind } from './get-stages.ts';
import { kpiNames, type KpiName } from './kpi-names.ts';
import { instanceNamePattern, instanceStatuses, type InstanceStatus } from './instance.ts';
import { stages, type Stage } from './stage.ts';

export class AgentChanged {
  @Matches(idPattern('agent')) id!: string;
  @Matches(namePattern) name!: string;
  @IsIn(agentKinds) kind!: AgentKind;
  /** `manifest`: another version is current; `status`: status, reason or breaker; `routing`: it or an instance was isolated or let in again; `deleted`: it is no more. */
  @IsIn(['manifest', 'status', 'routing', 'deleted']) change!: 'manifest' | 'status' | 'routing' | 'deleted';
  @IsIn(agentStatuses) status!: AgentStatus;
  @IsOptional() @IsString() statusReason?: string;
  @IsInt() @Min(1) version!: number;
  @Matches(hashPattern) hash!: string;
  @IsOptional() @IsIn(breakerStates) breaker?: BreakerState;
}

/** An agent was applied, deleted, or its status changed. Entity: the agent's id. */
export const agentChanged = defineEvent({
  subject: 'sb.event.registry.agent.changed',
  payload: AgentChanged,
  listeners: ['execution', 'protocol', 'registry'],
});

export class InstanceChanged {
  @Matches(idPattern('instance')) id!: string;
  @Matches(namePattern) agent!: string;
  @Matches(instanceNamePattern) instance!: string;
  @IsIn(instanceStatuses) status!: InstanceStatus;
  @IsOptional() @IsString() statusReason?: string;
  /** It went without having been asked to. */
  @IsOptional() @IsBoolean() isLost?: boolean;
  @IsInt() @Min(0) capacity!: number;
}

/** An instance came, drains or is gone: never for a mere beat. Entity: the instance's id. */
export const instanceChanged = defineEvent({
  subject: 'sb.event.registry.instance.changed',
  payload: InstanceChanged,
  listeners: ['execution', 'protocol', 'registry'],
});

export class DeploymentChanged {
  @Matches(idPattern('deployment')) id!: string;
  @Matches(namePattern) name!: string;
  /** `status`: of a member that is no agent; `drift`: what is there begins or ends to be other than wanted. */
  @IsIn(['manifest', 'started', 'stopped', 'step', 'status', 'drift', 'deleted'])
  change!: 'manifest' | 'started' | 'stopped' | 'step' | 'status' | 'drift' | 'deleted';
  @IsIn(deploymentStatuses) status!: DeploymentStatus;
  /** Share of all steps that is done, 0 to 1. */
  @IsNumber() @Min(0) progress!: number;
  /** With `step`: which, and what became of it. */
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @IsString() step?: string;
  @IsOptional() @IsIn(stepStates) state?: StepState;
  @IsOptional() @IsString() reason?: string;
  /** With `drift`: how many things are not as wanted; 0: it has ended. */
  @IsOptional() @IsInt() @Min(0) drift?: number;
}

/** A deployment was applied, started, stopped, deleted, or one of its steps moved. Entity: the deployment's id. */
export const deploymentChanged = defineEvent({
  subject: 'sb.event.registry.deployment.changed',
  payload: DeploymentChanged,
  listeners: ['execution', 'registry'],
});

export class StageChanged {
  @Matches(idPattern('agent')) id!: string;
  /** The agent. */
  @Matches(namePattern) name!: string;
  @IsIn(stageMoves) change!: StageMoveKind;
  @IsIn(stages) stage!: Stage;
  /** The version that was promoted, demoted or approved. */
  @IsInt() @Min(1) agentVersion!: number;
  /** The version at the stage now; absent: none. */
  @IsOptional() @IsInt() @Min(1) holder?: number;
  /** Who did it. */
  @IsString() by!: string;
}

/** A version of an agent was promoted to a stage, demoted from it or approved for it. Entity: the agent's id. */
export const stageChanged = defineEvent({
  subject: 'sb.event.registry.stage.changed',
  payload: StageChanged,
  listeners: ['execution', 'registry'],
});

export class EvalEnded {
  @Matches(idPattern('eval')) id!: string;
  @Matches(namePattern) suite!: string;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) agentVersion!: number;
  @IsIn(evalStatuses) status!: EvalStatus;
}

/** An eval has ended. Entity: the eval's id. */
export const evalEnded = defineEvent({ subject: 'sb.event.registry.eval.ended', payload: EvalEnded, listeners: ['execution'] });

export class EvidenceAdded {
  @Matches(idPattern('evidence')) id!: string;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) agentVersion!: number;
  @IsString() source!: string;
}

/** Evidence for a version of an agent was added. Entity: the evidence's id. */
export const evidenceAdded = defineEvent({ subject: 'sb.event.registry.evidence.added', payload: EvidenceAdded, listeners: [] });

export class KpiChanged {
  @IsIn(kpiNames) kpi!: KpiName;
  /** Absent: of the whole workspace. */
  @IsOptional() @Matches(namePattern) agent?: string;
  /** `burning`: its error budget is used up too fast; `settled`: no more. */
  @IsIn(['burning', 'settled']) change!: 'burning' | 'settled';
  /** `page`: within days at most; `ticket`: within the 30 days. */
  @IsIn(['page', 'ticket']) urgency!: 'page' | 'ticket';
  /** How fast, by the longer window: 1 uses the budget up in 30 days. */
  @IsNumber() @Min(0) rate!: number;
  @IsString() says!: string;
}

/** The error budget of a KPI burns too fast, or does no more. Entity: that time of burning. */
export const kpiChanged = defineEvent({
  subject: 'sb.event.registry.kpi.changed',
  payload: KpiChanged,
  listeners: ['execution', 'registry'],
});
