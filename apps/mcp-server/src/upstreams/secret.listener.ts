import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { secretChanged, SecretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { Upstreams } from './upstreams.ts';

@Controller()
export class SecretListener {
  constructor(private readonly upstreams: Upstreams) {}

  @HandlesEvent(secretChanged)
  handle(@Payload() { name }: SecretChanged, @Ctx() meta: EventMeta): void {
    this.upstreams.onSecretChanged(meta.data.workspace, name);
  }
}
