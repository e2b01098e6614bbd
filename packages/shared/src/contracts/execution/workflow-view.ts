import { Allow, IsInt, IsObject, IsOptional, IsString, Matches } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { Opaque } from '../../bus/opaque.ts';

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
  @IsString() createdAt!: string;
  @IsString() updatedAt!: string;
}
