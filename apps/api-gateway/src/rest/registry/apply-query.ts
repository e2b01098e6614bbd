import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';

/** How a manifest is applied. */
export class ApplyQuery {
  /** `true`: only say what would change. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' || value === '' ? true : value === 'false' ? false : value))
  @IsBoolean()
  dryRun?: boolean;
}
