import { Controller } from '@nestjs/common';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getSigningKeys, type GetSigningKeysReply } from '@signalbox/shared/contracts/security/get-signing-keys.js';
import { KeyRing } from './key-ring.ts';

@Controller()
export class GetSigningKeysHandler {
  constructor(private readonly keys: KeyRing) {}

  @Handles(getSigningKeys)
  handle(): GetSigningKeysReply {
    return { keys: this.keys.publicKeys() };
  }
}
