import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { log } from '../telemetry/log.ts';

/** A part that must work for the service to be ready: resolves when it does, rejects with why it does not. */
export type HealthCheck = () => Promise<void>;

export interface HealthOptions {
  service: string;
  host: string;
  port: number;
  checks: Record<string, HealthCheck>;
  /** Further lines for `/metrics`, in the Prometheus text format. */
  metrics?: () => string;
}

const checkTimeoutMs = 2_000;

/** `/healthz` (the process lives), `/readyz` (what it needs works) and `/metrics`, on the management port, which is never public. */
export class HealthServer {
  private readonly server: Server;
  private isStopping = false;

  constructor(private readonly options: HealthOptions) {
    this.server = createServer((request, response) => {
      this.answer(request.url ?? '/', response).catch((err: unknown) => {
        log.error('the management port failed', { err });
        if (!response.headersSent) send(response, 500, { status: 'failed' });
      });
    });
    this.server.headersTimeout = 5_000;
    this.server.maxConnections = 64;
  }

  /** The port that it listens on. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(this.options.port, this.options.host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on not ready, so that no new work is sent here. */
  drain(): void {
    this.isStopping = true;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(url: string, response: ServerResponse): Promise<void> {
    const path = url.split('?', 1)[0];
    if (path === '/healthz') send(response, 200, { status: 'ok', service: this.options.service });
    else if (path === '/readyz') {
      const results = await this.runChecks();
      const isReady = !this.isStopping && Object.values(results).every((result) => result === 'ok');
      send(response, isReady ? 200 : 503, { status: isReady ? 'ok' : this.isStopping ? 'stopping' : 'not ready', checks: results });
    } else if (path === '/metrics') {
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(processMetrics() + (this.options.metrics?.() ?? ''));
    } else send(response, 404, { status: 'unknown path' });
  }

  private async runChecks(): Promise<Record<string, string>> {
    const entries = Object.entries(this.options.checks).map(async ([name, check]) => {
      const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer in time')), checkTimeoutMs).unref());
      return [
        name,
        await Promise.race([check(), late]).then(
          () => 'ok',
          (error: Error) => error.message,
        ),
      ] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }
}

function processMetrics(): string {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${memory.rss}`,
    '# TYPE nodejs_heap_size_used_bytes gauge',
    `nodejs_heap_size_used_bytes ${memory.heapUsed}`,
    '# TYPE process_cpu_seconds_total counter',
    `process_cpu_seconds_total ${(cpu.user + cpu.system) / 1e6}`,
    '# TYPE process_uptime_seconds gauge',
    `process_uptime_seconds ${process.uptime()}`,
    '',
  ].join('\n');
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
