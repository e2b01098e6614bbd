import { Controller, Get } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listModels, type ListModelsReply } from '@signalbox/shared/contracts/protocol/list-models.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/models')
export class ListModelsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listModels, { summary: 'Models of the configured providers, for agents of kind llm' })
  handle(@FromCaller() caller: Caller): Promise<ListModelsReply> {
    return this.bus.request(listModels, {}, caller);
  }
}
