import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import type { Severity } from '@signalbox/shared/contracts/registry/incident.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import { Boards } from '../deployments/boards.ts';
import type { DeploymentRow } from '../deployments/deployment.store.ts';
import { planOf } from '../deployments/plan.ts';
import { ReviewStore } from '../reviews/review.store.ts';
import type { DigestFacts } from './digest.ts';
import type { MessageLine } from './message.ts';
import { NotificationStore } from './notification.store.ts';

/** Of each source so much is read: more lines are not shown, only counted. */
const rowsMax = 100;
/** Deployments whose boards are computed for one digest; how many more there are is said. */
const boardsMax = 100;

/** Reads what a digest tells: from the registry's own tables, and of runs and approvals from execution, as who applied the rule. */
@Injectable()
export class DigestReader {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly boards: Boards,
    private readonly reviews: ReviewStore,
    private readonly notifications: NotificationStore,
  ) {}

  /** `since` in epoch milliseconds. */
  async read(workspace: string, bearer: string, since: number): Promise<DigestFacts> {
    const [failedRuns, approvals] = await Promise.all([this.failedRuns(bearer, since), this.approvals(bearer)]);
    const deployments = await this.db.inWorkspace(workspace, (tx) => underWay(tx));
    const services = await this.boards.look(deployments.map(({ manifest }) => planOf(manifest)));
    return this.db.inWorkspace(workspace, async (tx) => {
      const stands = await this.boards.of(tx, deployments, services);
      const waiting = stands.flatMap(({ row, board }) =>
        board.agents
          .filter(({ status }) => status === 'waiting')
          .map(({ name, waitingFor }) => ({
            text: `${name} of ${row.name} waits: ${waitingFor.map(({ on, because }) => `${on} ${because}`).join('; ')}`,
            path: `/deployments/${row.name}`,
          })),
      );
      return {
        deployed: await deployed(tx, since),
        blocked: [...(await isolated(tx)), ...unseen(deployments), ...waiting],
        failed: [...(await failedHere(tx, since)), ...failedRuns, ...(await this.undelivered(tx, since))],
        decisions: [...(await openIncidents(tx)), ...approvals, ...(await this.unsigned(tx))],
      };
    });
  }

  private failedRuns(bearer: string, since: number): Promise<MessageLine[]> {
    return this.asked('failed runs', bearer, async (caller) => {
      const ended = { status: ['failed' as const], endedAfter: new Date(since).toISOString(), sort: 'ended' as const, limit: rowsMax };
      // What is part of another run is told by that one; what only might have been, as recorded runs that are done again, by none.
      const { data } = await this.bus.request(listRuns, { ...ended, problem: 'open' }, caller);
      return data.map(({ id, workflow, error, reason }) => ({
        text: `Run of ${workflow}: ${error?.detail ?? reason ?? 'failed'}`.slice(0, 300),
        path: `/runs/${id}`,
      }));
    });
  }

  private approvals(bearer: string): Promise<MessageLine[]> {
    return this.asked('approvals', bearer, async (caller) => {
      const { data } = await this.bus.request(listApprovals, { status: ['open'], limit: rowsMax }, caller);
      return data.map(({ id, workflow, label, deadline }) => ({
        text: `Approval of ${workflow}: ${label}${deadline === null || deadline === undefined ? '' : `, until ${deadline.slice(0, 16).replace('T', ' ')}`}`,
        path: `/approvals/${id}`,
      }));
    });
  }

  /** What cannot be read is said: a digest without it would look as if all were well. */
  private async asked(
    what: string,
    bearer: string,
    ask: (caller: Awaited<ReturnType<Bus['broker']['callerOfGrant']>>) => Promise<MessageLine[]>,
  ): Promise<MessageLine[]> {
    try {
      return await ask(await this.bus.broker.callerOfGrant(bearer));
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return [{ text: `The ${what} could not be read: ${thrown.detail}` }];
    }
  }

  private async undelivered(tx: EntityManager, since: number): Promise<MessageLine[]> {
    const dead = await this.notifications.deadSince(tx, since);
    return dead === 0
      ? []
      : [
          {
            text: `${dead} ${dead === 1 ? 'notification was' : 'notifications were'} not taken by its channel: signalbox notifications --status dead`,
          },
        ];
  }

  private async unsigned(tx: EntityManager): Promise<MessageLine[]> {
    const pending = await this.reviews.list(tx, { limit: rowsMax - 1 });
    return pending.map(({ agent, version, signed }) => ({
      text: `Sign off ${agent} version ${version}${signed === null ? '' : `, last signed off at ${signed}`}`,
      path: `/agents/${agent}`,
    }));
  }
}

/** Deployments that are started, and those that go on by what people and CI report. */
function underWay(tx: EntityManager): Promise<(DeploymentRow & { of: number })[]> {
  return rowsOf(
    tx,
    `SELECT d.*, (count(*) OVER ())::int AS of FROM deployment AS d
     WHERE d.started OR EXISTS (SELECT 1 FROM deployment_step AS s WHERE s.deployment = d.id AND s.source = 'reported')
     ORDER BY d.updated_at DESC LIMIT $1`,
    [boardsMax],
  );
}

function unseen(deployments: readonly { of: number }[]): MessageLine[] {
  const more = (deployments[0]?.of ?? 0) - deployments.length;
  if (more === 0) return [];
  return [
    {
      text: `${more} more ${more === 1 ? 'deployment was' : 'deployments were'} not looked at: signalbox deployments`,
    },
  ];
}

const sinceText = `to_timestamp($1::float8 / 1000)`;

async function deployed(tx: EntityManager, since: number): Promise<MessageLine[]> {
  const moves = await rowsOf<{ name: string; move: string; stage: string; version: number; by_name: string }>(
    tx,
    `SELECT a.name, m.move, m.stage, m.version, m.by_name FROM stage_move AS m JOIN agent AS a ON a.id = m.agent
     WHERE m.at > ${sinceText} AND m.move IN ('promoted', 'demoted') ORDER BY m.id DESC LIMIT $2`,
    [since, rowsMax],
  );
  const rollouts = await rowsOf<{ name: string; version: number; stable: number }>(
    tx,
    `SELECT agent_name AS name, version, stable FROM rollout WHERE status = 'promoted' AND ended_at > ${sinceText} ORDER BY id DESC LIMIT $2`,
    [since, rowsMax],
  );
  const steps = await rowsOf<{ name: string; count: number }>(
    tx,
    `SELECT d.name, count(*)::int AS count FROM deployment_step AS s JOIN deployment AS d ON d.id = s.deployment
     WHERE s.state = 'done' AND s.ended_at > ${sinceText} GROUP BY d.name ORDER BY d.name LIMIT $2`,
    [since, rowsMax],
  );
  const versions = await rowsOf<{ name: string; version: number }>(
    tx,
    `SELECT a.name, max(v.version) AS version FROM agent_version AS v JOIN agent AS a ON a.id = v.agent
     WHERE v.created_at > ${sinceText} GROUP BY a.name ORDER BY a.name LIMIT $2`,
    [since, rowsMax],
  );
  return [
    ...moves.map(({ name, move, stage, version, by_name }) => ({
      text: `${name} version ${version} was ${move} ${move === 'promoted' ? 'to' : 'from'} ${stage} by ${by_name}`,
      path: `/agents/${name}`,
    })),
    ...rollouts.map(({ name, version, stable }) => ({
      text: `${name} version ${version} was rolled out in the place of version ${stable}`,
      path: `/agents/${name}`,
    })),
    ...steps.map(({ name, count }) => ({ text: `${name}: ${count} ${count === 1 ? 'step' : 'steps'} done`, path: `/deployments/${name}` })),
    ...versions.map(({ name, version }) => ({ text: `${name} has a new version, ${version}`, path: `/agents/${name}` })),
  ];
}

async function isolated(tx: EntityManager): Promise<MessageLine[]> {
  const rows = await rowsOf<{ agent: string; instance: string; state: string; because: string }>(
    tx,
    `SELECT agent, instance, state, because FROM isolation ORDER BY state = 'given-up' DESC, since LIMIT $1`,
    [rowsMax],
  );
  return rows.map(({ agent, instance, state, because }) => ({
    text: `${agent}${instance === '' ? '' : `, instance ${instance},`} is ${state === 'given-up' ? 'isolated, and waits for a person' : 'isolated'}: ${because}`,
    path: `/agents/${agent}`,
  }));
}

const bySeverity = `array_position(ARRAY['critical', 'high', 'medium', 'low'], severity)`;

interface IncidentLineRow {
  id: string;
  title: string;
  severity: Severity;
  status: string;
}

async function failedHere(tx: EntityManager, since: number): Promise<MessageLine[]> {
  const incidents = await rowsOf<IncidentLineRow>(
    tx,
    `SELECT id, title, severity, status FROM incident WHERE opened_at > ${sinceText} ORDER BY ${bySeverity}, id DESC LIMIT $2`,
    [since, rowsMax],
  );
  const steps = await rowsOf<{ name: string; agent: string; step: string; note: string | null }>(
    tx,
    `SELECT d.name, s.agent, s.step, s.note FROM deployment_step AS s JOIN deployment AS d ON d.id = s.deployment
     WHERE s.state = 'failed' ORDER BY d.name, s.agent LIMIT $1`,
    [rowsMax],
  );
  return [
    ...incidents.map(({ id, title, severity, status }) => ({
      text: `[${severity}] ${title} (${status})`,
      path: `/incidents/${fromUuid('incident', id)}`,
    })),
    ...steps.map(({ name, agent, step, note }) => ({
      text: `${agent} of ${name}: step ${step} failed${note === null ? '' : `: ${note}`}`.slice(0, 300),
      path: `/deployments/${name}`,
    })),
  ];
}

async function openIncidents(tx: EntityManager): Promise<MessageLine[]> {
  const rows = await rowsOf<IncidentLineRow>(
    tx,
    `SELECT id, title, severity, status FROM incident WHERE status = 'open' ORDER BY ${bySeverity}, id DESC LIMIT $1`,
    [rowsMax],
  );
  return rows.map(({ id, title, severity }) => ({
    text: `[${severity}] Nobody has acknowledged: ${title}`,
    path: `/incidents/${fromUuid('incident', id)}`,
  }));
}
