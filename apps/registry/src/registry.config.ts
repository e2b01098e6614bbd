import { IsArray, IsInt, IsString, Matches, Max, Min } from 'class-validator';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';

/** Configuration of the registry, beside what every service needs. */
export class RegistryConfig extends ServiceConfig {
  /** How often an instance must beat. */
  @IsInt() @Min(100) @Max(60_000) heartbeatMs = 2_000;

  /** So many beats may be missed before an instance counts as gone. */
  @IsInt() @Min(1) @Max(100) missedBeats = 3;

  /** After its last beat, in milliseconds, an instance counts as gone. */
  get limitMs(): number {
    return this.heartbeatMs * this.missedBeats;
  }

  /** Where workers that the local runner starts find the gateway. */
  @Matches(/^https?:\/\//) signalboxUrl = 'http://127.0.0.1:7420';

  /** A file of certificates that this process trusts beside the known ones: workers that it starts do too, or a door with one of them is closed to them. */
  @IsString() nodeExtraCaCerts = '';

  /** The folder that `worker.cwd` of manifests is relative to. */
  @IsString() runnerCwd = '.';

  /** Where programs of local workers are looked for. */
  @IsString() path = '/usr/local/bin:/usr/bin:/bin';

  /** How long a replica holds a deployment that it does not renew. */
  @IsInt() @Min(1_000) @Max(60_000) deploymentLeaseMs = 4_000;

  /** An incident ends by itself when all has been well for so long. */
  @IsInt() @Min(1_000) @Max(86_400_000) recoverySettleMs = 60_000;

  /** How long after a look at KPIs the next follows; versions that are to be measured are looked for with every tenth. */
  @IsInt() @Min(50) @Max(600_000) kpiLookMs = 60_000;

  /** How long after a look at an eval that runs the next follows. */
  @IsInt() @Min(100) @Max(60_000) evalLookMs = 2_000;

  /** How often rollouts that are under way are looked at. */
  @IsInt() @Min(100) @Max(60_000) rolloutLookMs = 1_000;

  /** Internal hosts, addresses and networks that channels may lead to, as `127.0.0.1:25`: see `AllowList`. */
  @IsArray() @IsString({ each: true }) outboundAllowInternal: string[] = [];

  /** Where people find the dashboard, for links in notifications. Empty: they hold none. */
  @Matches(/^(https?:\/\/.+)?$/) signalboxPublicUrl = '';

  /** How long a receiver of notifications may take. */
  @IsInt() @Min(100) @Max(25_000) notificationTimeoutMs = 10_000;

  /** The pause after a first attempt that failed; it doubles from then on, up to an hour. */
  @IsInt() @Min(10) @Max(3_600_000) notificationRetryMs = 5_000;
}
