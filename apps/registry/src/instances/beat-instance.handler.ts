import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { beatInstance, type BeatInstanceReply, BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { RegistryConfig } from '../registry.config.ts';
import { BeatBook } from './beat-book.ts';

@Controller()
export class BeatInstanceHandler {
  constructor(
    private readonly book: BeatBook,
    private readonly config: RegistryConfig,
  ) {}

  @Handles(beatInstance)
  async handle(@Payload() request: BeatInstanceRequest, @FromCaller() caller: Caller): Promise<BeatInstanceReply> {
    const { id, state } = await this.book.beat(caller, request);
    return { id, status: state.status, heartbeatMs: this.config.heartbeatMs };
  }
}
