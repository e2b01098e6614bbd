import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listKpis, type ListKpisReply, ListKpisRequest } from '@signalbox/shared/contracts/registry/list-kpis.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { beginOf, windows } from './kpi-figures.ts';
import { Kpis } from './kpis.ts';

@Controller()
export class ListKpisHandler {
  constructor(private readonly kpis: Kpis) {}

  @Handles(listKpis)
  async handle(@Payload() { window = '1h', agent }: ListKpisRequest, @FromCaller() { workspace }: Caller): Promise<ListKpisReply> {
    const to = now();
    const { ms, width } = windows[window];
    return {
      window,
      agent: agent ?? null,
      from: new Date(beginOf(ms, width, to)).toISOString(),
      to: new Date(to).toISOString(),
      data: await this.kpis.of(workspace, agent ?? null, window, to),
    };
  }
}
