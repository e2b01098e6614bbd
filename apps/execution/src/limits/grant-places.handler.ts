import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { grantPlaces, type GrantPlacesReply, type GrantPlacesRequest } from '@signalbox/shared/contracts/execution/grant-places.js';
import { Engine } from '../shards/engine.ts';

@Controller()
export class GrantPlacesHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(grantPlaces)
  handle(@Payload() { places }: GrantPlacesRequest): GrantPlacesReply {
    const { dispatcher } = this.engine;
    for (const { task, limit, isReplaced } of places) {
      if (isReplaced === true) dispatcher.limitedRuns.replaced(task);
      else dispatcher.granted(task, limit);
    }
    return {};
  }
}
