import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

/** Of what starts a run. */
export class WaitQuery {
  /** How long to wait for the end; 0 if absent: answer when the start is kept. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) @Max(55_000) waitMs?: number;
}
