import { IsOptional, IsString } from 'class-validator';

export const applyActions = ['created', 'updated', 'unchanged'] as const;
export type ApplyAction = (typeof applyActions)[number];

/** One place in which a manifest differs from what is there. */
export class Change {
  /** Where in the manifest, as `spec.agents[2].dependsOn[0]`. */
  @IsString() path!: string;
  /** Absent where nothing stood before. */
  @IsOptional() from?: unknown;
  /** Absent where nothing stands any more. */
  @IsOptional() to?: unknown;
}
