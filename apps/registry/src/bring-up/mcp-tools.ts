import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

@Injectable()
export class McpTools {
  constructor(private readonly bus: Bus) {}

  async namesOf(server: string, grant: string): Promise<string[]> {
    await this.bus.as(grant);
    throw new Fault('unavailable', `${server}`, '');
  }
}
