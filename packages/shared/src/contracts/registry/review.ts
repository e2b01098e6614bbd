import { ArrayMaxSize, IsArray, IsBoolean, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';

/** Places in a manifest that one review names. */
export const reviewChangesMax = 50;

/** An agent whose current version nobody has signed off. */
export class Review {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) version!: number;
  /** The last version that was signed off; null: none was. */
  @IsOptional() @IsInt() @Min(1) signedVersion!: number | null;
  @IsOptional() @IsString() signedBy!: string | null;
  @IsOptional() @IsISO8601() signedAt!: string | null;
  /** Whether its skills, or their schemas, are others than those that were signed off. */
  @IsBoolean() contractChanged!: boolean;
  /** Where the manifest differs, as `spec.skills[0].name`; at most 50. */
  @IsArray() @ArrayMaxSize(reviewChangesMax) @IsString({ each: true }) changes!: string[];
  @IsISO8601() changedAt!: string;
  /** Who applied the version. */
  @IsString() changedBy!: string;
}
