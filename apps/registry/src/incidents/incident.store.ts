import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { incidentChanged } from '@signalbox/shared/contracts/registry/incident-changed.js';
import {
  incidentAgentsMax,
  type Incident,
  type IncidentEntry,
  type IncidentStatus,
  type RecoveryStage,
  type Severity,
} from '@signalbox/shared/contracts/registry/incident.js';
import type { FaultCause } from '@signalbox/shared/contracts/registry/isolation.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { changedRows, likeText, rowsOf } from '../database/sql.ts';

/** Entries of one timeline; what comes later is only counted, but what people do. */
export const entriesMax = 500;
/** Of these the last are kept for people and for the end. */
const entriesOfFaultsMax = 400;
/** Agents that these take away within this of the last one share an incident: what took one away took the others too. */
const groupMs = 30_000;
const shared: ReadonlySet<FaultCause> = new Set<FaultCause>(['lost', 'probe']);
/** Several replicas may notice the same fault; within this it is one. */
const sameFaultMs = 10_000;
/** Of these each task is a fault of its own, which its text names: it waits for a person. */
const ofTasks: ReadonlySet<FaultCause> = new Set<FaultCause>(['poison-task', 'budget']);
/** An incident that nobody acknowledges is told again so often at most. */
const remindersMax = 48;

export interface IncidentRow {
  workspace: string;
  id: string;
  cause: FaultCause;
  title: string;
  severity: Severity;
  status: IncidentStatus;
  agents: string[];
  faults: number;
  owner: string | null;
  on_call: string | null;
  runbook: string | null;
  remind_ms: string | null;
  remind_at: Date | null;
  reminders: number;
  entries: number;
  event_version: string;
  opened_at: Date;
  updated_at: Date;
  acknowledged_by: string | null;
  acknowledged_at: Date | null;
  resolved_by: string | null;
  resolved_at: Date | null;
}

export interface EntryRow {
  at: Date;
  stage: RecoveryStage;
  agent: string | null;
  instance: string | null;
  by_principal: string;
  text: string;
}

/** What is added to a timeline. */
export interface NewEntry {
  stage: RecoveryStage;
  text: string;
  by: string;
  agent?: string | undefined;
  instance?: string | undefined;
  /** UUID of what several replicas may add: it is added once. */
  id?: string;
}

/** A fault that was noticed. */
export interface NewFault {
  workspace: string;
  cause: FaultCause;
  agent: string;
  instance?: string | undefined;
  text: string;
  by: string;
  severity: Severity;
  owner: string | null;
  onCall: string | null;
  runbook: string | null;
  remindMs: number;
}

export interface IncidentQuery {
  agent?: string;
  status?: IncidentStatus;
  severity?: Severity;
  cause?: FaultCause;
  q?: string;
  limit?: number;
  cursor?: string;
}

const titles: Record<FaultCause, string> = {
  lost: 'instances are lost',
  errors: 'an instance answers with errors',
  slow: 'an instance is slow',
  'crash-loop': 'processes end again and again',
  probe: 'calls do not reach it',
  'poison-task': 'a task takes its executors down',
  budget: 'a budget is used up',
  rollout: 'a version was rolled back',
  dependency: 'what it needs is not there',
  capacity: 'workflows are scaled back for want of it',
  'by-hand': 'isolated by hand',
};

/** Incidents and their timelines. Methods work in a transaction of one workspace, but for those that say otherwise. */
@Injectable()
export class IncidentStore {
  constructor(private readonly outbox: Outbox) {}

  /**
   * Notes a fault in the open incident of its cause, or opens one: agents that are lost together share one. Null: somebody else has
   * just noted it, unless it is noted always (`isAlways`).
   */
  async note(tx: EntityManager, fault: NewFault, isAlways = false): Promise<IncidentRow | null> {
    const { workspace, cause, agent, instance, text, by } = fault;
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 6))`, [`${workspace} ${cause}`]);
    const [open] = await rowsOf<IncidentRow>(
      tx,
      `SELECT * FROM incident WHERE cause = $1 AND status <> 'resolved'
         AND ($2 = ANY(agents) OR ($4 AND updated_at > now() - $3 * interval '1 millisecond'))
       ORDER BY $2 = ANY(agents) DESC, opened_at DESC LIMIT 1 FOR UPDATE`,
      [cause, agent, groupMs, shared.has(cause)],
    );
    if (open === undefined) return this.open(tx, fault);
    const [known] = await rowsOf(
      tx,
      `SELECT 1 FROM incident_entry WHERE NOT $5 AND incident = $1 AND stage = 'detected' AND agent = $2 AND instance IS NOT DISTINCT FROM $3
         AND ($6::text IS NULL OR text = $6) AND at > now() - $4 * interval '1 millisecond' LIMIT 1`,
      [open.id, agent, instance ?? null, sameFaultMs, isAlways, ofTasks.has(cause) ? text : null],
    );
    if (known !== undefined) return null;
    const agents = open.agents.includes(agent) || open.agents.length >= incidentAgentsMax ? open.agents : [...open.agents, agent];
    const [row] = await changedRows<IncidentRow>(
      tx,
      `UPDATE incident SET faults = faults + 1, agents = $2, title = $3 WHERE id = $1 RETURNING *`,
      [open.id, agents, titleOf(cause, agents)],
    );
    return this.add(tx, row!, { stage: 'detected', text, by, agent, instance });
  }

  private async open(tx: EntityManager, fault: NewFault): Promise<IncidentRow> {
    const { workspace, cause, agent, instance, text, by, severity, owner, onCall, runbook, remindMs } = fault;
    const [row] = await rowsOf<IncidentRow>(
      tx,
      `INSERT INTO incident (workspace, id, cause, title, severity, status, agents, faults, owner, on_call, runbook, remind_ms, remind_at, event_version)
       VALUES ($1, $2, $3, $4, $5, 'open', $6, 1, $7, $8, $9, $10::bigint, now() + $10::bigint * interval '1 millisecond', 0) RETURNING *`,
      [workspace, newUuid(), cause, titleOf(cause, [agent]), severity, [agent], owner, onCall, runbook, remindMs],
    );
    const noted = await this.add(tx, row!, { stage: 'detected', text, by, agent, instance });
    const whom = onCall ?? owner;
    const told = whom === null ? 'nobody is named as its owner' : `for ${whom}`;
    return this.add(tx, noted, { stage: 'escalated', text: `${severity}, ${told}`, by: 'registry', agent });
  }

  /** Adds to the timeline, and tells it. What is beyond the bound is not kept, but told. */
  async add(tx: EntityManager, { id: incident, workspace }: Pick<IncidentRow, 'id' | 'workspace'>, entry: NewEntry): Promise<IncidentRow> {
    const { stage, text, by, agent, instance, id = newUuid() } = entry;
    if (entry.id !== undefined && (await this.has(tx, incident, id))) return this.get(tx, incident);
    const [row] = await changedRows<IncidentRow>(
      tx,
      `UPDATE incident SET entries = entries + 1, event_version = event_version + 1, updated_at = now() WHERE id = $1 RETURNING *`,
      [incident],
    );
    const isKept = row!.entries <= (by === 'registry' && stage !== 'resolved' ? entriesOfFaultsMax : entriesMax);
    if (isKept) {
      await tx.query(
        `INSERT INTO incident_entry (workspace, incident, id, number, stage, agent, instance, by_principal, text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
        [workspace, incident, id, row!.entries, stage, agent ?? null, instance ?? null, by, text],
      );
    }
    await this.outbox.append(tx, incidentChanged, {
      workspace,
      entity: incident,
      version: Number(row!.event_version),
      payload: {
        id: fromUuid('incident', incident),
        cause: row!.cause,
        title: row!.title,
        severity: row!.severity,
        status: row!.status,
        stage,
        ...(agent !== undefined && { agent }),
        ...(instance !== undefined && { instance }),
        by,
        text,
        ...(row!.owner !== null && { owner: row!.owner }),
        ...(row!.on_call !== null && { onCall: row!.on_call }),
        ...(row!.runbook !== null && { runbook: row!.runbook }),
      },
    });
    return row!;
  }

  /** The newest incident of the cause that the agent has and that is not over, kept from others until the transaction ends. */
  async openOf(tx: EntityManager, cause: FaultCause, agent: string): Promise<IncidentRow | null> {
    const [row] = await rowsOf<IncidentRow>(
      tx,
      `SELECT * FROM incident WHERE cause = $1 AND status <> 'resolved' AND $2 = ANY(agents) ORDER BY opened_at DESC LIMIT 1 FOR UPDATE`,
      [cause, agent],
    );
    return row ?? null;
  }

  /** Whether the entry, a UUID, is there. */
  async has(tx: EntityManager, incident: string, entry: string): Promise<boolean> {
    return (await rowsOf(tx, `SELECT 1 FROM incident_entry WHERE incident = $1 AND id = $2`, [incident, entry])).length > 0;
  }

  async raise(tx: EntityManager, id: string, severity: Severity): Promise<void> {
    await tx.query(`UPDATE incident SET severity = $2 WHERE id = $1`, [id, severity]);
  }

  /** The incident, kept from others until the transaction ends. `not_found`. */
  async lock(tx: EntityManager, id: string): Promise<IncidentRow> {
    return this.get(tx, id, 'FOR UPDATE');
  }

  async get(tx: EntityManager, id: string, lock: 'FOR UPDATE' | '' = ''): Promise<IncidentRow> {
    const [row] = await rowsOf<IncidentRow>(tx, `SELECT * FROM incident WHERE id = $1 ${lock}`, [id]);
    if (row === undefined) throw new Fault('not_found', 'there is no such incident', 'Look at the list: signalbox incidents.');
    return row;
  }

  entries(tx: EntityManager, id: string): Promise<EntryRow[]> {
    return rowsOf<EntryRow>(tx, `SELECT * FROM incident_entry WHERE incident = $1 ORDER BY number LIMIT $2`, [id, entriesMax]);
  }

  async acknowledge(tx: EntityManager, id: string, by: string): Promise<void> {
    await tx.query(
      `UPDATE incident SET status = 'acknowledged', acknowledged_by = $2, acknowledged_at = now(), remind_at = NULL WHERE id = $1`,
      [id, by],
    );
  }

  async resolve(tx: EntityManager, id: string, by: string): Promise<void> {
    await tx.query(`UPDATE incident SET status = 'resolved', resolved_by = $2, resolved_at = now(), remind_at = NULL WHERE id = $1`, [
      id,
      by,
    ]);
  }

  /** One more than asked for, the newest first. */
  list(tx: EntityManager, { agent, status, severity, cause, q, limit = pageLimitDefault, cursor }: IncidentQuery): Promise<IncidentRow[]> {
    const before = cursor === undefined ? null : toUuid(decodeCursor(cursor, 1)[0]!, 'incident');
    return rowsOf<IncidentRow>(
      tx,
      `SELECT * FROM incident WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR $2 = ANY(agents)) AND ($3::text IS NULL OR status = $3)
         AND ($4::text IS NULL OR severity = $4) AND ($5::text IS NULL OR cause = $5) AND title ILIKE $6
       ORDER BY id DESC LIMIT $7`,
      [before, agent ?? null, status ?? null, severity ?? null, cause ?? null, `%${likeText(q ?? '')}%`, limit + 1],
    );
  }

  /** Incidents of any workspace that are to be told again, by the system's role. */
  dueReminders(tx: EntityManager, max: number): Promise<Pick<IncidentRow, 'workspace' | 'id'>[]> {
    return rowsOf(tx, `SELECT workspace, id FROM incident WHERE remind_at <= now() ORDER BY remind_at LIMIT $1`, [max]);
  }

  /** Tells an incident again that nobody has acknowledged, if it still is to be. */
  async remind(tx: EntityManager, id: string): Promise<void> {
    const [row] = await changedRows<IncidentRow>(
      tx,
      `UPDATE incident SET reminders = reminders + 1,
         remind_at = CASE WHEN reminders + 1 < $2 THEN now() + remind_ms * interval '1 millisecond' END
       WHERE id = $1 AND status = 'open' AND remind_at <= now() RETURNING *`,
      [id, remindersMax],
    );
    if (row === undefined) return;
    const whom = row.on_call ?? row.owner;
    const text = `nobody has acknowledged it yet${whom === null ? '' : `, ${whom} is to`}`;
    await this.add(tx, row, { stage: 'reminded', text, by: 'registry' });
  }

  /** Incidents of any workspace that may be over: nothing of them is isolated and nothing has happened for so long. By the system's role. */
  quiet(tx: EntityManager, causes: readonly FaultCause[], settleMs: number, max: number): Promise<Pick<IncidentRow, 'workspace' | 'id'>[]> {
    return rowsOf(
      tx,
      `SELECT i.workspace, i.id FROM incident AS i WHERE i.status <> 'resolved' AND i.cause = ANY($1) AND i.updated_at < now() - $2 * interval '1 millisecond'
         AND NOT EXISTS (SELECT 1 FROM isolation AS o WHERE o.workspace = i.workspace AND o.incident = i.id)
         AND NOT EXISTS (SELECT 1 FROM agent AS a WHERE a.workspace = i.workspace AND a.name = ANY(i.agents) AND a.status IN ('degraded', 'failed', 'isolated'))
       LIMIT $3`,
      [causes, settleMs, max],
    );
  }

  /** Forgets incidents of any workspace that were resolved so long ago and of which nothing is isolated any more, by the system's role. */
  async forget(tx: EntityManager, ageMs: number, max: number): Promise<void> {
    const gone = await changedRows<{ id: string }>(
      tx,
      `DELETE FROM incident WHERE id IN
         (SELECT id FROM incident AS i WHERE status = 'resolved' AND resolved_at < now() - $1 * interval '1 millisecond'
            AND NOT EXISTS (SELECT 1 FROM isolation AS o WHERE o.workspace = i.workspace AND o.incident = i.id) LIMIT $2) RETURNING id`,
      [ageMs, max],
    );
    if (gone.length > 0) await tx.query(`DELETE FROM incident_entry WHERE incident = ANY($1)`, [gone.map(({ id }) => id)]);
  }
}

function titleOf(cause: FaultCause, agents: readonly string[]): string {
  const others = agents.length - 1;
  return `${agents[0]!}${others === 0 ? '' : ` and ${others} more`}: ${titles[cause]}`;
}

/** An incident as it is shown. */
export function incidentView(row: IncidentRow): Incident {
  return {
    id: fromUuid('incident', row.id),
    cause: row.cause,
    title: row.title,
    severity: row.severity,
    status: row.status,
    agents: row.agents,
    faults: row.faults,
    owner: row.owner,
    onCall: row.on_call,
    runbook: row.runbook,
    openedAt: row.opened_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    acknowledgedBy: row.acknowledged_by,
    acknowledgedAt: row.acknowledged_at?.toISOString() ?? null,
    resolvedBy: row.resolved_by,
    resolvedAt: row.resolved_at?.toISOString() ?? null,
    remindAt: row.remind_at?.toISOString() ?? null,
  };
}

export function entryView(row: EntryRow): IncidentEntry {
  return { at: row.at.toISOString(), stage: row.stage, agent: row.agent, instance: row.instance, by: row.by_principal, text: row.text };
}
