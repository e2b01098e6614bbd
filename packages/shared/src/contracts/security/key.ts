import { IsArray, IsIn, IsISO8601, IsOptional, IsString, Matches } from 'class-validator';
import { roles, type Role } from '../../identity/roles.ts';
import { idPattern } from '../../ids/ids.ts';
import { principalPattern } from './principal.ts';

/** What is known of an API key; the key itself is shown once, when it is made. */
export class Key {
  @Matches(idPattern('key')) id!: string;
  @IsString() name!: string;
  @Matches(principalPattern) principal!: string;
  @IsString() principalName!: string;
  /** The principal's, or fewer where the key was made so. */
  @IsArray() @IsIn(roles, { each: true }) roles!: Role[];
  /** What the key narrows its roles to, as `runs:read` or `tools:*`; empty: all that the roles allow. */
  @IsArray() @IsString({ each: true }) scopes!: string[];
  @IsISO8601() createdAt!: string;
  /** The principal that made it, or `service:security` for the key of the configuration. */
  @IsString() createdBy!: string;
  /** Null: it does not expire. */
  @IsOptional() @IsISO8601() expiresAt!: string | null;
  /** To within a minute; null: never used. */
  @IsOptional() @IsISO8601() lastUsedAt!: string | null;
  @IsOptional() @IsISO8601() revokedAt!: string | null;
}
