import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { ping } from '@signalbox/shared/bus/ping.js';
import type { ServiceStatus } from '@signalbox/shared/contracts/api-gateway/list-services.js';
import { installation } from '@signalbox/shared/contracts/registry/record-kpis.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { EventHub } from '../events/event-hub.ts';
import { KpiReports } from './kpi-reports.ts';

const everyMs = 3_000;
const answerMs = 1_500;

/** Asks every service how it is, and says so when that changes. */
@Injectable()
export class ServiceWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private readonly known = new Map<ServiceName, ServiceStatus>();
  private round: Promise<void> = Promise.resolve();

  constructor(
    private readonly bus: Bus,
    private readonly hub: EventHub,
    private readonly kpis: KpiReports,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.round = this.askAll();
    }, everyMs);
    this.round = this.askAll();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  /** The last answers, in the design's order of services; waits for the first round. */
  async statuses(): Promise<ServiceStatus[]> {
    if (this.known.size < serviceNames.length) await this.round;
    return serviceNames.map((name) => this.known.get(name)).filter((status) => status !== undefined);
  }

  private async askAll(): Promise<void> {
    await Promise.all(serviceNames.map((name) => this.ask(name)));
    for (const { status } of this.known.values()) this.kpis.observe({ workspace: installation, kpi: 'services', isBad: status === 'down' });
  }

  private async ask(name: ServiceName): Promise<void> {
    const status = await this.statusOf(name);
    const before = this.known.get(name)?.status;
    this.known.set(name, status);
    if (before === status.status) return;
    if (before !== undefined) log.info('a service changed its state', { name, before, after: status.status });
    this.hub.tell({
      workspace: null,
      resource: 'services',
      event: 'service.changed',
      data: { name, status: status.status, detail: status.detail },
    });
  }

  private async statusOf(name: ServiceName): Promise<ServiceStatus> {
    const checkedAt = new Date().toISOString();
    const from = performance.now();
    try {
      const { version, uptimeS, memoryBytes, checks } = await this.bus.request(ping[name], {}, 'service', { timeoutMs: answerMs });
      const latencyMs = Math.round((performance.now() - from) * 100) / 100;
      const broken = Object.entries(checks).filter(([, result]) => result !== 'ok');
      return {
        name,
        status: broken.length === 0 ? 'up' : 'degraded',
        version,
        uptimeS,
        latencyMs,
        memoryBytes,
        ...(broken.length > 0 && { detail: broken.map(([part, why]) => `${part}: ${why}`).join('; ') }),
        checkedAt,
      };
    } catch (thrown) {
      return { name, status: 'down', detail: Fault.from(thrown).detail, checkedAt };
    }
  }
}
