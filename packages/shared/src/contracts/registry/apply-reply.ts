import { IsOptional, IsString } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';

export const applyActions = ['created', 'updated', 'unchanged'] as const;
export type ApplyAction = (typeof applyActions)[number];

/** One place in which a manifest differs from what is there. */
export class Change {
  /** Where in the manifest, as `spec.agents[2].dependsOn[0]`. */
  @IsString() path!: string;
  /** Absent where nothing stood before. */
  @IsOptional() @Opaque() from?: unknown;
  /** Absent where nothing stands any more. */
  @IsOptional() @Opaque() to?: unknown;
}
