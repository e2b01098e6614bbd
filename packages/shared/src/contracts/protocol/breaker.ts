import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { breakerStates, type BreakerState } from '../registry/agent.ts';

/** The circuit breaker of one target. */
export class Breaker {
  /** `agent/<name>`; without an agent, `mcp-server/<name>` for tools and `model/<name>` for models. */
  @IsString() target!: string;
  /** The agent's name, where the target is one. */
  @IsOptional() @Matches(namePattern) agent?: string;
  /** `open`: calls fail at once; `half-open`: one is let through to try. */
  @IsIn(breakerStates) state!: BreakerState;
  /** Rises with every change. */
  @IsInt() @Min(1) version!: number;
  @IsISO8601() since!: string;
  /** When an open one lets a call through to try. */
  @IsOptional() @IsISO8601() retryAt?: string;
  /** What went wrong last: a code and a sentence. */
  @IsOptional() @IsString() reason?: string;
}

export class BreakerChanged extends Breaker {}

/** A target's breaker opened, lets a call try, or closed. Durable. Entity: the target. */
export const breakerChanged = defineEvent({
  subject: 'sb.event.protocol.breaker.changed',
  payload: BreakerChanged,
  listeners: ['registry', 'execution'],
});

/** What callers of an open breaker are told of its target; how often it failed may follow. */
export function heldBackText(target: string): string {
  return `calls to ${target} are held back`;
}

/** The target that a failure's text says is held back; undefined when it says something else. */
export function heldBackTarget(detail: string): string | undefined {
  return /calls to (\S{1,200}) are held back/.exec(detail)?.[1];
}
