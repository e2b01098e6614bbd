import { Controller } from '@nestjs/common';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { secretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';

@Controller()
export class SecretListener {
  constructor(private readonly secrets: SecretReader) {}

  @HandlesEvent(secretChanged)
  handle(): void {
    this.secrets.forget();
  }
}
