import { IsInt, Max, Min } from 'class-validator';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';

/** What `context` needs beside what every service needs. */
export class ContextConfig extends ServiceConfig {
  /** The largest artifact, in bytes. */
  @IsInt() @Min(1) @Max(1024 * 1024 * 1024) artifactMaxBytes = 64 * 1024 * 1024;

  /** Uploads of one workspace that may be open at once. */
  @IsInt() @Min(1) @Max(10_000) uploadsMax = 64;
}
