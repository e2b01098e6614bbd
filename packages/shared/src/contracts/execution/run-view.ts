import { Type } from 'class-transformer';
import { Allow, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { idPattern } from '../../ids/ids.ts';
import { Failure, Usage } from './failure.ts';
import { Opaque } from '../../bus/opaque.ts';

export const runStatuses = ['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** Statuses that a run does not leave. */
export const endedRunStatuses: readonly RunStatus[] = ['succeeded', 'failed', 'cancelled'];

export const stepStatuses = ['pending', 'queued', 'running', 'waiting', 'succeeded', 'failed', 'skipped', 'cancelled'] as const;
export type StepStatus = (typeof stepStatuses)[number];

export const stepKinds = ['agent', 'tool', 'workflow', 'artifact', 'state', 'value', 'wait', 'approval', 'llm'] as const;
export type StepKindName = (typeof stepKinds)[number];

/** How far a run is, in steps and items. */
export class Progress {
  @IsInt() total!: number;
  @IsInt() done!: number;
  @IsInt() running!: number;
  @IsInt() waiting!: number;
  @IsInt() failed!: number;
}

/** What a run did and could not undo. */
export class NotUndone {
  /** The step's key, `pay[3]` for an item. */
  @IsString() step!: string;
  @ValidateNested() @Type(() => Failure) error!: Failure;
}

/** What was asked for in place of the workflow that ran: capacity was short. */
export class RunInsteadOf {
  @IsString() workflow!: string;
  @IsString() because!: string;
}

/** A step that nobody could do, for which stands in what it declares. */
export class DegradedStep {
  /** The step's key, `pay[3]` for an item. */
  @IsString() step!: string;
  @ValidateNested() @Type(() => Failure) error!: Failure;
}

/** What of a run a step belongs to: `undo` takes back what another did, `finally` runs at its end. */
export const stepParts = ['main', 'undo', 'finally'] as const;
export type StepPart = (typeof stepParts)[number];

/** Where a run was done that was read from a file. */
export class RunOrigin {
  /** Its identifier there. */
  @Matches(idPattern('run')) run!: string;
  @IsString() importedBy!: string;
  @IsString() importedAt!: string;
}

export const budgetMeasures = ['tokens', 'costUsd', 'steps'] as const;
export type BudgetMeasure = (typeof budgetMeasures)[number];

/** How one measure of a budget of a run stands. */
export class BudgetUse {
  /** `run`, `step:<key>`; of a budget above the run, its part of it: `workspace`, `workflow/<name>`, `agent/<name>`. */
  @IsString() of!: string;
  @IsIn(budgetMeasures) measure!: BudgetMeasure;
  @IsNumber() limit!: number;
  @IsNumber() spent!: number;
  /** Set aside for what is under way. */
  @IsNumber() held!: number;
  /** Of what is spent: what attempts were taken to have used that did not say it, and what child runs used. */
  @IsNumber() unreported!: number;
}

/** One execution of a workflow, or of one agent. Times are ISO 8601. */
export class RunView {
  @Matches(idPattern('run')) id!: string;
  /** The workflow's name; for a call to one agent, `agent/<name>`. */
  @IsString() workflow!: string;
  /** Where another workflow was asked for, which was scaled back to this one. */
  @IsOptional() @ValidateNested() @Type(() => RunInsteadOf) insteadOf?: RunInsteadOf;
  /** `sha256:…` of the definition that this run goes by. */
  @IsString() workflowHash!: string;
  /** That of the definition which it began with, where it went over to another. */
  @IsOptional() @IsString() startedHash?: string;
  @IsIn(runStatuses) status!: RunStatus;
  /**
   * Why it has this status, where that is not plain: `limited`, `timeout`, `cancelled by …`, `not undone: …`; of one that succeeded, `degraded: …` with the
   * steps that nobody could do; of a run whose steps have ended, `undoing` or `finishing`.
   */
  @IsOptional() @IsString() reason!: string | null;
  @IsObject() labels!: Record<string, string>;
  /** How urgent its steps are, from 1 (goes first) to 5, where its start said so. Absent in lists. */
  @IsOptional() @IsInt() priority?: number | null;
  /** Absent in lists; read the run for it. */
  @Opaque() @Allow() input?: unknown;
  /** Absent in lists, and null until the run has succeeded. */
  @Opaque() @Allow() output?: unknown;
  @IsOptional() @ValidateNested() @Type(() => Failure) error!: Failure | null;
  /** Steps that nobody could do, for which stands in what they declare, at most 100 of them. Absent where there is none. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => DegradedStep) degraded?: DegradedStep[];
  /** What could not be undone after it had failed or was cancelled, at most 100 of it. Absent in lists, and where that is nothing. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => NotUndone) notUndone?: NotUndone[];
  /** The run that started this one as a step. */
  @IsOptional() @Matches(idPattern('run')) parent!: string | null;
  /** Of a run that was imported: nothing of it was done here. Absent of all others. */
  @IsOptional() @ValidateNested() @Type(() => RunOrigin) origin?: RunOrigin;
  @IsString() startedBy!: string;
  @IsString() createdAt!: string;
  @IsOptional() @IsString() startedAt!: string | null;
  @IsOptional() @IsString() endedAt!: string | null;
  @ValidateNested() @Type(() => Progress) progress!: Progress;
  @ValidateNested() @Type(() => Usage) usage!: Usage;
  /** What limits it. Absent in lists, and where nothing does. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => BudgetUse) budgets?: BudgetUse[];
}

/** What a step waits for, and why that takes time. */
export class WaitingFor {
  /** `step:<key>`, `agent:<name>`, `retry`, `run:<id>`, `time`, `signal:<name>`, `approval:<id>`, `budget:<of>`, `end` (of the other steps), `crashed` (for a person: see `resolve-step`). */
  @IsString() on!: string;
  @IsString() because!: string;
}

/** One line of what an executor said of its work. */
export class LogLineView {
  /** ISO 8601. */
  @IsString() at!: string;
  @IsString() message!: string;
  /** How much is done, 0 to 1. */
  @IsOptional() @IsNumber() fraction?: number;
}

/** One try of a step. */
export class AttemptView {
  @IsInt() number!: number;
  @IsIn(stepStatuses) status!: StepStatus;
  @IsOptional() @IsString() agent!: string | null;
  @IsOptional() @IsString() instance!: string | null;
  @IsOptional() @IsString() startedAt!: string | null;
  @IsOptional() @IsString() endedAt!: string | null;
  @IsOptional() @ValidateNested() @Type(() => Failure) error!: Failure | null;
  /** What it used, where it told. */
  @IsOptional() @ValidateNested() @Type(() => Usage) usage?: Usage;
  /** The last of what its executor said, the oldest first; of one that is under way, so far. Absent in lists, and where nothing was said. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => LogLineView) log?: LogLineView[];
  /** How many lines came before these, and are not kept. Absent: none. */
  @IsOptional() @IsInt() logDropped?: number;
}

/** What a step with `llm` may use. */
export class LlmLimits {
  @IsInt() turns!: number;
  @IsInt() tokens!: number;
  @IsOptional() @IsNumber() costUsd!: number | null;
  @IsInt() timeMs!: number;
}

/** One step of a run, or one item of a step with `forEach`. */
export class StepView {
  /** `analyse`, or `analyse[3]` for an item. */
  @IsString() key!: string;
  @IsString() step!: string;
  @IsOptional() @IsInt() index!: number | null;
  @IsIn(stepKinds) kind!: StepKindName;
  /** Absent of a release before there were parts. */
  @IsOptional() @IsIn(stepParts) part?: StepPart;
  @IsString() label!: string;
  @IsIn(stepStatuses) status!: StepStatus;
  @IsOptional() @IsString() agent!: string | null;
  @IsOptional() @IsString() skill!: string | null;
  @IsOptional() @IsString() tool!: string | null;
  /** The model that is called, in a turn of a step with `llm`. */
  @IsOptional() @IsString() model?: string | null;
  /** The run that does this step's work, where it is a workflow. */
  @IsOptional() @IsString() child!: string | null;
  @IsArray() @IsString({ each: true }) needs!: string[];
  @IsArray() @ValidateNested({ each: true }) @Type(() => WaitingFor) waitingFor!: WaitingFor[];
  @IsOptional() @IsString() queuedAt!: string | null;
  @IsOptional() @IsString() startedAt!: string | null;
  @IsOptional() @IsString() endedAt!: string | null;
  @IsBoolean() onCriticalPath!: boolean;
  /** Milliseconds that it could have ended later without the run's ending later (of a live run: without anything standing otherwise); null before its end. */
  @IsOptional() @IsInt() slackMs?: number | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => AttemptView) attempts!: AttemptView[];
  /** Cut in lists when it is large: `{ "truncated": true, "bytes": 123456, "preview": "…" }`. */
  @Opaque() @Allow() input!: unknown;
  @Opaque() @Allow() output!: unknown;
  @IsOptional() @ValidateNested() @Type(() => Failure) error!: Failure | null;
  /** Why what it declares stands in for its result: nobody could do it. Absent where that is not so. */
  @IsOptional() @ValidateNested() @Type(() => Failure) degraded?: Failure;
  /** What its attempts used, as far as they told; absent where they told nothing. */
  @IsOptional() @ValidateNested() @Type(() => Usage) usage?: Usage | null;
  /** Of a step with `llm`: what all its turns and calls together may use. */
  @IsOptional() @ValidateNested() @Type(() => LlmLimits) limits?: LlmLimits | null;
}
