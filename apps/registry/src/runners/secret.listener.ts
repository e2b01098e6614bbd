import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { secretHeard, SecretHeard } from '@signalbox/shared/contracts/registry/secret-heard.js';
import { secretChanged, SecretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { LocalRunner } from './local-runner.ts';

/** A durable event comes to one replica, which tells all: any may run workers that have the secret. */
@Controller()
export class SecretListener {
  constructor(
    private readonly secrets: SecretReader,
    private readonly runner: LocalRunner,
    private readonly bus: Bus,
  ) {}

  @HandlesEvent(secretChanged)
  onChanged(@Payload() { name }: SecretChanged, @Ctx() { data: { workspace, entity } }: EventMeta): void {
    this.bus.publishLive(secretHeard, { name }, { workspace, entity });
  }

  @HandlesEvent(secretHeard)
  onHeard(@Payload() { name }: SecretHeard, @Ctx() { data: { workspace } }: EventMeta): void {
    this.secrets.forget();
    this.runner.onSecretChanged(workspace, name);
  }
}
