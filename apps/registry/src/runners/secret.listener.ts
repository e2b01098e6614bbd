import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { secretChanged, SecretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { LocalRunner } from './local-runner.ts';

@Controller()
export class SecretListener {
  constructor(
    private readonly secrets: SecretReader,
    private readonly runner: LocalRunner,
  ) {}

  @HandlesEvent(secretChanged)
  handle(@Payload() { name }: SecretChanged, @Ctx() meta: EventMeta): void {
    this.secrets.forget();
    this.runner.onSecretChanged(meta.data.workspace, name);
  }
}
