import { IsBoolean, IsOptional } from 'class-validator';
import { Flag } from './flag.ts';

/** How a manifest is applied. */
export class ApplyQuery {
  /** `true`: only say what would change. */
  @IsOptional() @Flag() @IsBoolean() dryRun?: boolean;
}
