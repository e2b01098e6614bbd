import { IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';

/** A secret's value, in characters; shorter ones could not be told from other text in a log, and are guessed. */
export const secretMinLength = 8;
/** A secret's value in bytes of UTF-8. */
export const secretMaxBytes = 64 * 1024;

/** What is known of a secret. Its value is in no reply but that of `resolveSecret`. */
export class Secret {
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  /** Counts its values, from 1. */
  @IsInt() @Min(1) version!: number;
  @IsISO8601() createdAt!: string;
  /** The principal that made it. */
  @IsString() createdBy!: string;
  /** When its value was set last. */
  @IsISO8601() updatedAt!: string;
  @IsString() updatedBy!: string;
  /** When a service asked for its value, to within a minute; null: never. */
  @IsOptional() @IsISO8601() lastUsedAt!: string | null;
}
