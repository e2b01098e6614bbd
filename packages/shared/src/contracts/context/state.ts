import { Allow, IsInt, IsISO8601, IsString, Matches, Min } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';

/** Whose keys they are: `workspace`, a run (`run_…`) or an agent (`agent:<name>`). */
export const stateScopePattern = /^(?:workspace|run_[0-7][0-9a-hjkmnp-tv-z]{25}|agent:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;
export const stateKeyPattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;
/** A value, encoded. What is larger is an artifact. */
export const stateValueMaxBytes = 256 * 1024;
/** Versions of one key that are kept beside the current one. */
export const stateHistoryMax = 32;

export class StateAddress {
  @Matches(stateScopePattern) scope!: string;
  @Matches(stateKeyPattern) key!: string;
}

/** One version of one key of shared state. */
export class StateEntry extends StateAddress {
  /** Rises by one with every write and deletion of the key, and never begins anew. */
  @IsInt() @Min(1) version!: number;
  @Allow() @Opaque() value!: unknown;
  @IsISO8601() updatedAt!: string;
  /** The principal that wrote it. */
  @IsString() updatedBy!: string;
}
