import { Controller, Get } from '@nestjs/common';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Models, type OpenAiModel } from './models.ts';

/** `GET /v1/models`: agents and workflows. */
@Controller('v1/models')
export class ListOpenAiModelsRoute {
  constructor(private readonly models: Models) {}

  @Get()
  async handle(@FromCaller() caller: Caller): Promise<{ object: 'list'; data: OpenAiModel[] }> {
    return { object: 'list', data: await this.models.list(caller) };
  }
}
