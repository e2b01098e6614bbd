import { Controller, Get, Header } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listScales, type ListScalesReply } from '@signalbox/shared/contracts/registry/list-scales.js';
import type { AgentScale } from '@signalbox/shared/contracts/registry/scale.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { scaleMetrics } from './scale-metrics.ts';

const mediaType = 'application/openmetrics-text';
/** Pages of 200: more agents than that are scaled by one workspace's own reader of the list. */
const pagesMax = 10;

@Controller('api/v1/scales/metrics')
export class GetScaleMetricsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Header('content-type', `${mediaType}; version=1.0.0; charset=utf-8`)
  @Operation(listScales, {
    summary: 'The same as OpenMetrics, for Prometheus, HPA and KEDA',
    description: 'At most 2,000 agents. Scraped with a key as bearer token.',
    produces: mediaType,
  })
  async handle(@FromCaller() caller: Caller): Promise<string> {
    const scales: AgentScale[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < pagesMax; page++) {
      const { data, nextCursor }: ListScalesReply = await this.bus.request(
        listScales,
        { limit: 200, ...(cursor !== null && { cursor }) },
        caller,
      );
      scales.push(...data);
      if (nextCursor === null) break;
      cursor = nextCursor;
    }
    return scaleMetrics(scales);
  }
}
