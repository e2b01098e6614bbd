import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { beatInstances, type BeatInstancesReply, BeatInstancesRequest } from '@signalbox/shared/contracts/registry/beat-instances.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { BeatBook } from './beat-book.ts';

@Controller()
export class BeatInstancesHandler {
  constructor(private readonly book: BeatBook) {}

  @Handles(beatInstances)
  handle(@Payload() request: BeatInstancesRequest): BeatInstancesReply {
    const { ids, inFlight, ageMs } = request;
    if (inFlight.length !== ids.length || ageMs.length !== ids.length) {
      throw new Fault('invalid', 'ids, inFlight and ageMs are not equally long', 'Say both of each instance.');
    }
    return { unknown: this.book.beatAll(request) };
  }
}
