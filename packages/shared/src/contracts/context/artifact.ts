import { IsInt, IsISO8601, IsOptional, IsString, Matches, MaxLength, Min } from 'class-validator';
import { idPattern } from '../../ids/ids.ts';

/** A file's name: no folder, no control or direction characters, not `.` or `..`. */
export const artifactNamePattern = /^(?!\.{1,2}$)[^/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,255}$/u;
/** `type/subtype` with parameters (RFC 9110, section 8.3.1). */
export const mediaTypePattern =
  /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?: *; *[\w!#$&^.+-]{1,63}=(?:[\w!#$&^.+-]{1,127}|"[^"\\\p{Cc}]{0,127}"))*$/u;
export const stepKeyPattern = /^[\w.[\]-]{1,128}$/;

/** What an artifact is, beside its content. */
export class ArtifactFacts {
  @Matches(artifactNamePattern) name!: string;
  @Matches(mediaTypePattern) @MaxLength(255) mediaType!: string;
  /** The run that made it. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
  /** The step's key in that run. */
  @IsOptional() @Matches(stepKeyPattern) step?: string;
  /** The same key again by the same principal gives the same artifact; with another content or name, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

/** A large or lasting blob, passed by reference. Its content never changes. */
export class Artifact {
  @Matches(idPattern('artifact')) id!: string;
  @IsString() name!: string;
  @IsString() mediaType!: string;
  /** Bytes. */
  @IsInt() @Min(0) size!: number;
  /** SHA-256 of the content, in hexadecimal. */
  @Matches(/^[0-9a-f]{64}$/) sha256!: string;
  @IsOptional() @Matches(idPattern('run')) run!: string | null;
  @IsOptional() @IsString() step!: string | null;
  @IsISO8601() createdAt!: string;
  /** The principal that made it. */
  @IsString() createdBy!: string;
}
