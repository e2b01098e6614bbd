import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { KpiReporter, type Observed } from '@signalbox/shared/kpi/kpi-reporter.js';

/** What the gateway measures, told to the registry. */
@Injectable()
export class KpiReports implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly reporter: KpiReporter;

  constructor(bus: Bus) {
    this.reporter = new KpiReporter(bus);
  }

  onApplicationBootstrap(): void {
    this.reporter.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.reporter.stop();
  }

  observe(observed: Observed): void {
    this.reporter.observe(observed);
  }
}
