import { Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { rotateDataKey, type RotateDataKeyReply } from '@signalbox/shared/contracts/security/rotate-data-key.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/secrets/rotation')
export class RotateDataKeyRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(rotateDataKey, {
    summary: 'Seal all secrets anew with a new data key',
    description: 'Values stay as they are; the key that sealed them before is forgotten.',
    status: 200,
  })
  handle(@FromCaller() caller: Caller): Promise<RotateDataKeyReply> {
    return this.bus.request(rotateDataKey, {}, caller);
  }
}
