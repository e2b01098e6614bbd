import type { Evidence, EvidenceFormat } from '@signalbox/shared/contracts/registry/evidence.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { evidenceDaysDefault } from '../gates/gate.ts';

/** A row of `evidence`. */
export interface EvidenceRow {
  id: string;
  version: number;
  format: EvidenceFormat;
  source: string;
  hash: string;
  bytes: number;
  metrics: Record<string, number>;
  findings: string[];
  by_principal: string;
  by_name: string;
  created_at: Date;
}

export const dayMs = 86_400_000;

/** Evidence as it is shown. */
export function evidenceView(row: EvidenceRow, agent: string, now: number): Evidence {
  const expiresAt = row.created_at.getTime() + evidenceDaysDefault * dayMs;
  return {
    id: fromUuid('evidence', row.id),
    agent,
    version: row.version,
    format: row.format,
    source: row.source,
    hash: row.hash,
    bytes: row.bytes,
    metrics: Object.entries(row.metrics).map(([metric, value]) => ({ metric, value })),
    findings: [...row.findings],
    by: row.by_principal,
    byName: row.by_name,
    createdAt: row.created_at.toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    expired: expiresAt <= now,
  };
}
