import { Controller, type Type } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { auditEvents, AuditRecord } from '@signalbox/shared/outbox/audit.js';
import { noWorkspace } from '../credentials/no-workspace.ts';
import { AuditWriter } from './audit-writer.ts';

function recorderOf(service: ServiceName): Type {
  @Controller()
  class RecordAuditHandler {
    constructor(private readonly writer: AuditWriter) {}

    @HandlesEvent(auditEvents[service])
    handle(@Payload() { id, at, principal, name, action, target, outcome, detail }: AuditRecord, @Ctx() meta: EventMeta): Promise<void> {
      return this.writer.append(meta.data.workspace || noWorkspace, { id, at, service, principal, name, action, target, outcome, detail });
    }
  }
  return RecordAuditHandler;
}

/** Each service's audit records, chained. */
export const recordAuditHandlers: Type[] = serviceNames.map(recorderOf);
