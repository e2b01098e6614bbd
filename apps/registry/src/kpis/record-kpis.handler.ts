import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { recordKpis, type RecordKpisReply, RecordKpisRequest } from '@signalbox/shared/contracts/registry/record-kpis.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { KpiStore } from './kpi.store.ts';

@Controller()
export class RecordKpisHandler {
  constructor(
    private readonly system: SystemDatabase,
    private readonly kpis: KpiStore,
  ) {}

  @Handles(recordKpis)
  async handle(@Payload() { report, entries }: RecordKpisRequest): Promise<RecordKpisReply> {
    await this.system.run((tx) => this.kpis.record(tx, report, entries, now()));
    return {};
  }
}
