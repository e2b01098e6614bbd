import { Controller, Get, Param } from '@nestjs/common';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Models, type OpenAiModel } from './models.ts';

/** `GET /v1/models/{id}`: clients encode the slash of an id, people do not. */
@Controller('v1/models')
export class GetOpenAiModelRoute {
  constructor(private readonly models: Models) {}

  @Get(':id')
  encoded(@Param('id') id: string, @FromCaller() caller: Caller): Promise<OpenAiModel> {
    return this.models.find(id, caller);
  }

  @Get(':kind/:name')
  plain(@Param('kind') kind: string, @Param('name') name: string, @FromCaller() caller: Caller): Promise<OpenAiModel> {
    return this.models.find(`${kind}/${name}`, caller);
  }
}
