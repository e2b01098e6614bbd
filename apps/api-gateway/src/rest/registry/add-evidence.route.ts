import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { addEvidence, type AddEvidenceReply, AddEvidenceRequest } from '@signalbox/shared/contracts/registry/add-evidence.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/evidence')
export class AddEvidenceRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(addEvidence, {
    summary: 'Add a report as evidence for a version of an agent',
    description:
      'JUnit XML, LCOV, SARIF 2.1.0, or JSON as `{ "metrics": { "performance.latencyP95Ms": 120 } }`; at most 4 MiB, compressed where it is large. It is kept as it is read, and is never changed.',
    body: AddEvidenceRequest,
    status: 201,
  })
  handle(@Body() body: AddEvidenceRequest, @FromCaller() caller: Caller): Promise<AddEvidenceReply> {
    return this.bus.request(addEvidence, { ...body }, caller);
  }
}
