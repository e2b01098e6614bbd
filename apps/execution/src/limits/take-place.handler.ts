import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { takePlace, type TakePlaceReply, type TakePlaceRequest } from '@signalbox/shared/contracts/execution/take-place.js';
import { Engine } from '../shards/engine.ts';

@Controller()
export class TakePlaceHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(takePlace)
  handle(@Payload() request: TakePlaceRequest): TakePlaceReply {
    return this.engine.dispatcher.keeper.take(request);
  }
}
