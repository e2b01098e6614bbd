import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { artifactNamePattern, mediaTypePattern, stepKeyPattern } from '../context/artifact.ts';
import { stateKeyPattern, stateScopePattern } from '../context/state.ts';
import type { Handover } from '../execution/handover.ts';
import { taskPattern } from '../execution/task-id.ts';

/** `<server>/<tool>`: tools are namespaced by their server. */
export const toolTargetPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[\w./-]{1,128}$/;

/** An artifact to be kept. */
export class ArtifactTarget {
  @Matches(artifactNamePattern) name!: string;
  /** `text/plain` for text, `application/json` for all else, if absent. */
  @IsOptional() @Matches(mediaTypePattern) @MaxLength(255) mediaType?: string;
  /** Text as it is; any other value as JSON. */
  @IsOptional() @Opaque() content: unknown;
}

/** A key of shared state that is read, or written where there is `set`. */
export class StateTarget {
  /** The run's own, if absent. */
  @IsOptional() @Matches(stateScopePattern) scope?: string;
  @Matches(stateKeyPattern) key!: string;
  @IsOptional() @Opaque() set?: unknown;
  /** Of a write: the version last seen, 0 for none. */
  @IsOptional() @IsInt() @Min(0) version?: number;
}

/** What a model may call: a tool of an MCP server, all of them by `server/*`, or an agent, by one of its skills or by all. */
export class ToolOffer {
  @IsOptional() @Matches(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/(?:\*|[\w./-]{1,128})$/) tool?: string;
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @IsString() @MaxLength(128) skill?: string;
}

/** One call to a model: the next turn of a conversation. */
export class ModelTarget {
  /** A model of the provider `default`. */
  @IsString() @Matches(/^\S{1,256}$/) model!: string;
  /** The conversation so far, as the OpenAI API has it. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(10_000) @Opaque() messages!: unknown[];
  @IsOptional() @IsArray() @ArrayMaxSize(128) @ValidateNested({ each: true }) @Type(() => ToolOffer) tools?: ToolOffer[];
  /** JSON Schema of the answer; absent: text. */
  @IsOptional() @IsObject() @Opaque() output?: Record<string, unknown>;
  /** The most output tokens of this turn. */
  @IsOptional() @IsInt() @Min(1) maxTokens?: number;
  /** The most that the descriptions of what it may call may be, in bytes: so many tokens were set aside for them. */
  @IsOptional() @IsInt() @Min(1) toolTokens?: number;
  /** The call is refused where its price is not known. */
  @IsOptional() @IsBoolean() isBudgeted?: boolean;
}

/** Exactly one of `agent`, `tool`, `artifact`, `state` and `model` says what is to be done. */
export class StartTaskRequest {
  @Matches(taskPattern) task!: string;

  /** An agent of kind `mcp`, `http` or `llm`. */
  @IsOptional() @Matches(namePattern) agent?: string;
  /** One of its skills; may be left out where it has one, or is an `llm`. */
  @IsOptional() @IsString() @MaxLength(128) skill?: string;
  /** Which version of it; absent: the current one. */
  @IsOptional() @IsInt() @Min(1) agentVersion?: number;

  /** A tool, as `files/read_text_file`. */
  @IsOptional() @Matches(toolTargetPattern) tool?: string;

  @IsOptional() @ValidateNested() @Type(() => ArtifactTarget) artifact?: ArtifactTarget;

  @IsOptional() @ValidateNested() @Type(() => StateTarget) state?: StateTarget;

  @IsOptional() @ValidateNested() @Type(() => ModelTarget) model?: ModelTarget;

  /** For agents and tools: any JSON value, `{}` if absent. */
  @IsOptional() @Opaque() input?: unknown;

  /** Epoch milliseconds (the database's clock) by which it must be completed. */
  @IsInt() @Min(0) deadline!: number;

  /** The same for every attempt; it is passed on to the target. */
  @IsString() @MaxLength(255) idempotencyKey!: string;

  /** Another agent had it before: what is known of its attempts. */
  @IsOptional() @Opaque() @IsObject() handover?: Handover;

  /** The call is mirrored to a version that is rolled out: its target is told so, and what is done for it must change nothing. */
  @IsOptional() @IsBoolean() isMirror?: boolean;

  /** The step's key, `analyse[3]` for an item: for attribution. */
  @IsOptional() @Matches(stepKeyPattern) step?: string;
}

export class StartTaskReply {
  /** The process that works on it. */
  @IsString() instance!: string;
}

/**
 * Hands over one attempt of a task for a target that is called. Answered at once; then `protocol` asks `accept-task`, beats, and ends with
 * `complete-task` until that is acknowledged. Sent again while the task is known it is answered alike.
 *
 * The output is: of an `http` agent its JSON answer; of an `llm` agent `{ text }`, or the JSON that its skill's `outputSchema` asks for; of a
 * tool or `mcp` agent its structured content, else `{ text }` (with `content` where not all is text); of an artifact its reference; of shared state `{ value, version }`, after a write `{ version }`; of a model
 * a `ModelTurn`. An output that does not fit a message is kept as an artifact: `{ artifact: { id, name, mediaType, size, sha256 } }`.
 */
export const startTask = defineContract({
  subject: 'sb.protocol.agent.start-task',
  request: StartTaskRequest,
  reply: StartTaskReply,
  permission: 'agents:invoke',
  callers: ['execution'],
  timeoutMs: 5_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['limited'],
});
