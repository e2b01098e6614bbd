import { IsBoolean, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateBy } from 'class-validator';
import { databaseUrlFault, natsUrlFault, type ServerTls } from './server-url.ts';

/** What every service needs; a service's own configuration extends it. Each property is one environment variable. */
export class ServiceConfig {
  /** `postgres://` of the role that serves requests, under row security. Empty: the service has no database. */
  @IsString() @ReachedByTls(databaseUrlFault, 'databaseCaFile') databaseUrl = '';

  /** `postgres://` of the role for background work. */
  @IsString() @ReachedByTls(databaseUrlFault, 'databaseCaFile') systemDatabaseUrl = '';

  /** PEM file of the CA of PostgreSQL's certificate. Empty: what the URL says. */
  @IsString() databaseCaFile = '';

  /** Several are separated by commas. `tls://` or `natsCaFile`: never without TLS. */
  @Matches(/^(nats|tls):\/\//) @ReachedByTls(natsUrlFault, 'natsCaFile') natsUrl = 'nats://127.0.0.1:4222';

  /** PEM file of the CA of the certificate of NATS. Empty: those that Node trusts. */
  @IsString() natsCaFile = '';

  /** Lets PostgreSQL and NATS off this machine be reached without TLS: only where the network itself keeps others out. */
  @IsBoolean() signalboxAllowPlaintext = false;

  /** The file with this service's NATS user. */
  @IsOptional() @IsString() natsCreds = '';

  /** Where health and metrics are served, on loopback unless `managementHost` says otherwise. 0: any free port. */
  @IsInt() @Min(0) @Max(65535) managementPort = 0;

  @IsString() managementHost = '127.0.0.1';

  /** `http(s)://` of an OpenTelemetry collector that takes traces by OTLP. Empty: none are made. */
  @Matches(/^(https?:\/\/.+)?$/) otelExporterOtlpEndpoint = '';

  /** Headers for it, `name=value`, separated by commas: a secret. */
  @IsString() otelExporterOtlpHeaders = '';

  /** Connections to PostgreSQL for each of the two roles. */
  @IsInt() @Min(1) @Max(100) databasePool = 8;
}

/** The server of the URL is on this machine, or reached by TLS, or plaintext is allowed. */
function ReachedByTls(faultOf: (url: string, tls: ServerTls) => string | null, caFile: 'databaseCaFile' | 'natsCaFile'): PropertyDecorator {
  const fault = (url: unknown, config: ServiceConfig): string | null =>
    faultOf(String(url), { caFile: config[caFile], isPlaintextAllowed: config.signalboxAllowPlaintext });
  return ValidateBy({
    name: 'reachedByTls',
    validator: {
      validate: (url, at) => fault(url, at!.object as ServiceConfig) === null,
      defaultMessage: (at) => fault(at!.value, at!.object as ServiceConfig) ?? 'cannot be used',
    },
  });
}
