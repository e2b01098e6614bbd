import { Allow, IsIn, IsInt, IsOptional, IsString, MaxLength } from 'class-validator';
import type { EntityManager } from 'typeorm';
import { defineEvent, serviceNames, type EventContract, type ServiceName } from '../bus/contract.ts';
import type { Caller } from '../identity/caller.ts';
import { newUuid } from '../ids/ids.ts';
import { now } from '../telemetry/clock.ts';
import type { Outbox } from './outbox.ts';

/** Who did what to what. */
export class AuditRecord {
  @IsString() @MaxLength(64) id!: string;
  @IsInt() at!: number;
  @IsString() @MaxLength(128) principal!: string;
  @IsString() @MaxLength(128) name!: string;
  /** `<resource>.<verb>`, as `agent.apply`. */
  @IsString() @MaxLength(64) action!: string;
  /** What was changed, as `agent analyst`. */
  @IsString() @MaxLength(256) target!: string;
  @IsIn(['allowed', 'denied']) outcome!: 'allowed' | 'denied';
  /** Facts of the change; never a secret. */
  @IsOptional() @Allow() detail?: Record<string, unknown>;
}

function auditEventOf(service: ServiceName): EventContract<AuditRecord> {
  return defineEvent({ subject: `sb.event.${service}.audit.recorded`, payload: AuditRecord, listeners: ['security'] });
}

/** One event a service: only `security` listens. */
export const auditEvents = Object.fromEntries(serviceNames.map((service) => [service, auditEventOf(service)])) as Record<
  ServiceName,
  EventContract<AuditRecord>
>;

export interface AuditFacts {
  action: string;
  target: string;
  outcome?: 'allowed' | 'denied';
  detail?: Record<string, unknown>;
}

/** The proof of what was done: written in the transaction of the change, so that neither is there without the other. */
export class Audit {
  constructor(
    private readonly outbox: Outbox,
    private readonly service: ServiceName,
  ) {}

  async append(tx: EntityManager, caller: Pick<Caller, 'workspace' | 'principal' | 'name'>, facts: AuditFacts): Promise<void> {
    const id = newUuid();
    const { action, target, outcome = 'allowed', detail } = facts;
    await this.outbox.append(tx, auditEvents[this.service], {
      workspace: caller.workspace,
      entity: id,
      version: 1,
      payload: {
        id,
        at: now(),
        principal: caller.principal,
        name: caller.name,
        action,
        target: target.slice(0, 256),
        outcome,
        ...(detail && { detail }),
      },
    });
  }
}
