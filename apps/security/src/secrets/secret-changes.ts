import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { secretChanged, type SecretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { SecretEntry } from './secret.ts';

/** Says in the transaction of the change who changed which secret: in the audit, and to those that use it. The value is in neither. */
@Injectable()
export class SecretChanges {
  constructor(
    private readonly audit: Audit,
    private readonly outbox: Outbox,
  ) {}

  async tell(
    tx: EntityManager,
    caller: Caller,
    { uuid, name, version }: Pick<SecretEntry, 'uuid' | 'name' | 'version'>,
    change: SecretChanged['change'],
  ): Promise<void> {
    const action = change === 'set' ? 'secret.set' : 'secret.remove';
    await this.audit.append(tx, caller, { action, target: `secret ${name}`, detail: { version } });
    await this.outbox.append(tx, secretChanged, {
      workspace: caller.workspace,
      entity: fromUuid('secret', uuid),
      version: change === 'set' ? version : version + 1,
      payload: { name, version, change },
    });
  }
}
