import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { removeSecret, type RemoveSecretReply } from '@signalbox/shared/contracts/security/remove-secret.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/secrets')
export class RemoveSecretRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(removeSecret, { summary: 'Remove a secret', description: 'What names it fails from then on, and says so.' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<RemoveSecretReply> {
    return this.bus.request(removeSecret, { name }, caller);
  }
}
