import { IsArray, IsInt, IsOptional, IsString, IsUrl, Matches, Max, Min } from 'class-validator';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';

/** The public door's configuration, beside what every service needs. */
export class GatewayConfig extends ServiceConfig {
  /** Where it listens. Off loopback only behind TLS: a proxy, or `tlsCertFile` and `tlsKeyFile`. */
  @IsString() host = '127.0.0.1';

  @IsInt() @Min(0) @Max(65535) port = 7420;

  /** The outside of this installation, for Host checks, cookies and links. Empty: `http://<host>:<port>`. */
  @IsOptional() @Matches(/^(https?:\/\/[^/]+)?$/) publicUrl = '';

  /** Further hosts (with port, if it is not the default) that requests may name. */
  @IsArray() @IsString({ each: true }) allowedHosts: string[] = [];

  /** Origins whose pages may call the API. None by default. */
  @IsArray() @IsUrl({ require_tld: false, require_protocol: true }, { each: true }) corsOrigins: string[] = [];

  /** The largest request body, in bytes; artifacts have their own limit. */
  @IsInt() @Min(1_024) @Max(16 * 1024 * 1024) bodyMaxBytes = 1_048_576;

  /** Requests a principal may make in ten seconds; beyond: 429. */
  @IsInt() @Min(1) rateMax = 5_000;

  /** Connections at once. */
  @IsInt() @Min(1) connectionsMax = 4_096;

  /** Event streams that one principal may hold open. */
  @IsInt() @Min(1) streamsMax = 64;

  @IsString() tlsCertFile = '';

  @IsString() tlsKeyFile = '';

  /** The dashboard's built files. */
  @IsString() dashboardDir = new URL('../../dashboard/dist/', import.meta.url).pathname;
}
