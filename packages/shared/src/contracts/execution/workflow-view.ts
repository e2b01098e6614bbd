import { Type } from 'class-transformer';
import { Allow, IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { Opaque } from '../../bus/opaque.ts';

/** Since when new runs get the smaller workflow, and why. */
export class ScaledBack {
  @IsString() since!: string;
  @IsString() because!: string;
  /** `auto`: capacity was short; `hand`: somebody did it, who also ends it. */
  @IsIn(['auto', 'hand']) how!: 'auto' | 'hand';
  /** A name, or `execution`. */
  @IsString() by!: string;
}

/** Which smaller workflow new runs get while capacity is short. */
export class ScaleBackView {
  @Matches(namePattern) to!: string;
  @IsInt() afterMs!: number;
  @IsInt() restoreMs!: number;
  @IsOptional() @IsInt() waitOverMs!: number | null;
  /** The agents that count; null: those that its steps cannot do without. */
  @IsOptional() @IsArray() @IsString({ each: true }) agents!: string[] | null;
  /** Null: runs get what they ask for. */
  @IsOptional() @ValidateNested() @Type(() => ScaledBack) active!: ScaledBack | null;
}

/** A workflow that can be started. */
export class WorkflowView {
  @Matches(namePattern) name!: string;
  @IsOptional() @IsString() description!: string | null;
  @IsObject() labels!: Record<string, string>;
  /** `sha256:…` of the specification: a running run keeps the one it began with. */
  @IsString() hash!: string;
  /** Rises by one with every change. */
  @IsInt() version!: number;
  @IsInt() steps!: number;
  /** JSON Schema of the input, where the workflow has one. */
  @Opaque() @Allow() input!: unknown;
  /** Absent: it has no smaller one. */
  @IsOptional() @ValidateNested() @Type(() => ScaleBackView) scaleBack?: ScaleBackView;
  @IsString() createdAt!: string;
  @IsString() updatedAt!: string;
}
