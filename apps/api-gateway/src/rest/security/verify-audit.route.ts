import { Controller, Get } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { verifyAudit, type VerifyAuditReply } from '@signalbox/shared/contracts/security/verify-audit.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/audit/verification')
export class VerifyAuditRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(verifyAudit, { summary: 'Check that nothing in the audit was changed, removed or reordered' })
  handle(@FromCaller() caller: Caller): Promise<VerifyAuditReply> {
    return this.bus.request(verifyAudit, {}, caller);
  }
}
