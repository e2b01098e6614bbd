import { Controller, Get } from '@nestjs/common';
import { whoAmI, type WhoAmIReply } from '@signalbox/shared/contracts/api-gateway/who-am-i.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/whoami')
export class WhoAmIRoute {
  @Get()
  @Operation(whoAmI, { summary: 'Who the key or session speaks for' })
  handle(@FromCaller() { workspace, principal, name, roles, scopes, credentialId }: Caller): WhoAmIReply {
    const facts = { workspace, principal, name, roles: [...roles], scopes: [...scopes] };
    return credentialId === undefined ? facts : { ...facts, credential: credentialId };
  }
}
