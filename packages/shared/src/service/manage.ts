import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import type { ServiceConfig } from '../config/service-config.ts';
import { HealthServer, type HealthCheck } from '../health/health-server.ts';
import { log } from '../telemetry/log.ts';
import { startTracing, stopTracing } from '../telemetry/tracing.ts';

export interface Managed {
  service: string;
  config: ServiceConfig;
  checks: Record<string, HealthCheck>;
  /** Further lines for `/metrics`. */
  metrics: () => string;
  /** Lets what is in flight end, then closes everything. */
  stop: () => Promise<void>;
}

/** A service at work: what it has compiled by then is kept for its next start. Node itself keeps it at an orderly end alone, and who is killed has none. */
const keepCompiledMs = 2_000;

/**
 * From when on V8 makes fast code (with Maglev) of a function: calls of it, and calls since the last thing that it learnt of what it handles. Its own 400 and
 * 500 are for pages that come and go: what a service does for each message would be slow for its first hundreds of messages.
 */
const fastCode = ['--invocation-count-for-maglev=50', '--minimum-invocations-after-ic-update=30'];

/** Opens the management port of a started service; the first SIGTERM or SIGINT drains it and ends the process. */
export async function manage({ service, config, checks, metrics, stop }: Managed): Promise<void> {
  for (const flag of fastCode) setFlagsFromString(flag);
  const health = new HealthServer({ service, host: config.managementHost, port: config.managementPort, checks, metrics });
  await startTracing(service, { endpoint: config.otelExporterOtlpEndpoint, headers: config.otelExporterOtlpHeaders });
  const port = await health.start();
  log.info('service started', { port, startMs: Math.round(performance.now()) });
  setTimeout(() => flushCompileCache(), keepCompiledMs).unref();
  let isStopping = false;
  const onSignal = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    log.info('service stopping', { signal });
    health.drain();
    stop()
      .then(() => stopTracing())
      .then(() => health.stop())
      .then(
        () => {
          log.info('service stopped');
          process.exit(0);
        },
        (err: unknown) => {
          log.error('the service did not stop cleanly', { err });
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  process.on('SIGINT', () => onSignal('SIGINT'));
}

/** Says why a service could not start, and ends the process. */
export function failStart(err: unknown): never {
  const isConfiguration = err instanceof Error && err.name === 'ConfigError';
  log.error(isConfiguration ? err.message : 'the service could not start', isConfiguration ? {} : { err });
  process.exit(1);
}
