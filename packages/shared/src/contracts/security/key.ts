import { IsArray, IsISO8601, IsOptional, IsString, Matches } from 'class-validator';
import { idPattern } from '../../ids/ids.ts';
import { principalPattern } from './principal.ts';

/** What is known of an API key; the key itself is shown once, when it is made. */
export class Key {
  @Matches(idPattern('key')) id!: string;
  @IsString() name!: string;
  @Matches(principalPattern) principal!: string;
  @IsString() principalName!: string;
  /** What the key narrows the principal's roles to, as `runs:read` or `tools:*`; empty: all that the roles allow. */
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
