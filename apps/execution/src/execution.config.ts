import { ServiceConfig } from '@signalbox/shared/config/service-config.js';
import { IsInt, Max, Min } from 'class-validator';

/** Configuration of `execution`. */
export class ExecutionConfig extends ServiceConfig {
  /** Days that ended runs are kept. A day with a live run is kept for as long as that lives. */
  @IsInt() @Min(1) @Max(3_650) runKeepDays = 30;
}
