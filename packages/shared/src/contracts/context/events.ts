import { IsIn, IsInt, IsOptional, IsString, Matches, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { stateScopePattern } from './state.ts';

export class ArtifactChanged {
  @Matches(idPattern('artifact')) id!: string;
  @IsString() name!: string;
  @IsIn(['created', 'deleted']) change!: 'created' | 'deleted';
  @IsInt() @Min(0) size!: number;
  @IsOptional() @Matches(idPattern('run')) run?: string;
}

/** An artifact came or went. Entity: its id; version 1 it came, 2 it went. */
export const artifactChanged = defineEvent({ subject: 'sb.event.context.artifact.changed', payload: ArtifactChanged });

export class StateChanged {
  @Matches(stateScopePattern) scope!: string;
  @IsString() key!: string;
  @IsIn(['written', 'deleted']) change!: 'written' | 'deleted';
  @IsInt() @Min(1) version!: number;
}

/** A key of shared state was written or deleted. Entity: `scope/key`; the version is the key's. */
export const stateChanged = defineEvent({ subject: 'sb.event.context.state.changed', payload: StateChanged });

export class ThreadChanged {
  @Matches(idPattern('thread')) id!: string;
  @IsIn(['created', 'message', 'deleted']) change!: 'created' | 'message' | 'deleted';
  /** Messages after the change. */
  @IsInt() @Min(0) messages!: number;
}

/** A conversation began, got a message or went. Entity: its id. */
export const threadChanged = defineEvent({ subject: 'sb.event.context.thread.changed', payload: ThreadChanged });
