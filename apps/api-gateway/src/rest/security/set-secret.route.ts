import { Body, Controller, Param, Put } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Secret } from '@signalbox/shared/contracts/security/secret.js';
import { setSecret, SetSecretBody } from '@signalbox/shared/contracts/security/set-secret.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/secrets')
export class SetSecretRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(setSecret, {
    summary: 'Set a secret',
    description:
      'Makes it, or gives it another value, which is used from then on. Manifests name it as `secret://NAME`. No operation shows a value.',
    body: SetSecretBody,
  })
  handle(@Param('name') name: string, @Body() body: SetSecretBody, @FromCaller() caller: Caller): Promise<Secret> {
    return this.bus.request(setSecret, { ...body, name }, caller);
  }
}
