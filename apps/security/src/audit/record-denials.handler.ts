import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { FromService, Handles } from '@signalbox/shared/bus/handles.js';
import { recordDenials, RecordDenialsRequest, type RecordDenialsReply } from '@signalbox/shared/contracts/security/record-denials.js';
import { AuditWriter } from './audit-writer.ts';

@Controller()
export class RecordDenialsHandler {
  constructor(private readonly writer: AuditWriter) {}

  @Handles(recordDenials)
  async handle(@Payload() { denials }: RecordDenialsRequest, @FromService() service: ServiceName): Promise<RecordDenialsReply> {
    await Promise.all(
      denials.map(({ id, workspace, principal, name, at, count, operations }) =>
        this.writer.append(workspace, {
          id,
          at,
          service,
          principal,
          name,
          action: 'access.denied',
          target: operations[0] ?? service,
          outcome: 'denied',
          detail: { count, operations },
        }),
      ),
    );
    return {};
  }
}
