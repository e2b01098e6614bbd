import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { evidenceAdded } from '@signalbox/shared/contracts/registry/events.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import canonicalize from 'canonicalize';
import type { EntityManager } from 'typeorm';
import { EvidenceStore } from '../evidence/evidence.store.ts';
import { itself, pieceMax } from '../live/live-evidence.ts';
import { mirrorValues } from './mirror-totals.ts';
import type { RolloutRow } from './rollout-row.ts';

const source = 'mirror';

/** Keeps what mirrored calls came to as evidence for the new version, which gates can ask for. */
@Injectable()
export class MirrorEvidence {
  constructor(
    private readonly evidence: EvidenceStore,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  /** At the end of a step: nothing where no calls were mirrored, or the version has as much evidence as it can. */
  async keep(tx: EntityManager, { workspace, id, agent, agent_name: name, version, mirror }: RolloutRow): Promise<void> {
    if (mirror === null || mirror.result.pairs === 0) return;
    const [found] = await this.evidence.list(tx, agent, { version, source, limit: 1 });
    const text = canonicalize(mirror.result)!;
    const hash = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    if (found?.hash === hash || (await this.evidence.count(tx, agent, version)) >= pieceMax) return;
    const by = { workspace, ...itself };
    const read = { source, hash, bytes: Buffer.byteLength(text), metrics: mirrorValues(mirror.result).candidate, findings: [] };
    const row = await this.evidence.insert(tx, by, { agent, version, format: 'live' }, read);
    const evidence = fromUuid('evidence', row.id);
    await this.outbox.append(tx, evidenceAdded, {
      workspace,
      entity: row.id,
      version: 1,
      payload: { id: evidence, agent: name, agentVersion: version, source },
    });
    await this.audit.append(tx, by, {
      action: 'evidence.add',
      target: `agent ${name}`,
      detail: { version, evidence, format: 'live', source, hash, rollout: fromUuid('rollout', id) },
    });
  }
}
