import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';

/** What every service needs; a service's own configuration extends it. Each property is one environment variable. */
export class ServiceConfig {
  /** `postgres://` of the role that serves requests, under row security. Empty: the service has no database. */
  @IsString() databaseUrl = '';

  /** `postgres://` of the role for background work. */
  @IsString() systemDatabaseUrl = '';

  @Matches(/^(nats|tls|ws|wss):\/\//) natsUrl = 'nats://127.0.0.1:4222';

  /** The file with this service's NATS user. */
  @IsOptional() @IsString() natsCreds = '';

  /** Where health and metrics are served, on loopback unless `managementHost` says otherwise. 0: any free port. */
  @IsInt() @Min(0) @Max(65535) managementPort = 0;

  @IsString() managementHost = '127.0.0.1';

  /** Connections to PostgreSQL for each of the two roles. */
  @IsInt() @Min(1) @Max(100) databasePool = 8;
}
