import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { DeploymentLog } from '../deployments/deployment-log.ts';
import { DeploymentStore, type DeploymentRow } from '../deployments/deployment.store.ts';
import type { InfrastructureFact } from '../deployments/facts.ts';
import { MemberStore } from '../deployments/member.store.ts';
import type { Plan, PlannedAgent } from '../deployments/plan.ts';
import { MemberProbe, type MemberAnswer } from './member-probe.ts';

/** How long an answer counts: what is well is asked after less often than what somebody waits for. */
const freshMs = { well: 5_000, other: 1_000 };
/** Of one deployment at once: a look at five hundred members must not hold up a service. */
const asksMax = 8;

interface Seen {
  at: number;
  answer: MemberAnswer;
}

/** Keeps what services say of the members of the deployments that this replica holds, and tells it when it changes. */
@Injectable()
export class MemberWatch {
  private readonly seen = new Map<string, { stamp: string; members: Map<string, Seen> }>();
  private readonly looking = new Map<string, Promise<void>>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly members: MemberStore,
    private readonly deploymentLog: DeploymentLog,
    private readonly probe: MemberProbe,
  ) {}

  /** Has each member asked after whose last answer is no longer fresh, beside all else: a service that is slow holds up nothing. */
  look(row: DeploymentRow, plan: Plan, services: ReadonlyMap<string, InfrastructureFact>): void {
    if (this.looking.has(row.id)) return;
    const looking = this.lookAtAll(row, plan, services)
      .catch((err: unknown) => log.warn('members could not be looked at', { deployment: row.name, err }))
      .finally(() => this.looking.delete(row.id));
    this.looking.set(row.id, looking);
  }

  /** Settles when nothing is asked any more. */
  async settled(): Promise<void> {
    await Promise.all(this.looking.values());
  }

  private async lookAtAll(row: DeploymentRow, plan: Plan, services: ReadonlyMap<string, InfrastructureFact>): Promise<void> {
    const { bearer } = row;
    const asked = plan.agents.filter(({ kind }) => kind !== 'agent' && kind !== 'migration');
    if (bearer === null || asked.length === 0) return;
    const seen = await this.seenOf(row);
    const due = asked.filter(({ name }) => !isFresh(seen.get(name)));
    for (let from = 0; from < due.length; from += asksMax) {
      await Promise.all(due.slice(from, from + asksMax).map((planned) => this.lookAt(row, bearer, planned, seen, services)));
    }
  }

  /** What was answered last; undefined: nothing yet. */
  answerOf(deployment: string, member: string): MemberAnswer | undefined {
    return this.seen.get(deployment)?.members.get(member)?.answer;
  }

  /** Another replica holds the deployment now, or nobody. */
  forget(deployment: string): void {
    this.seen.delete(deployment);
  }

  private async lookAt(
    row: DeploymentRow,
    bearer: string,
    planned: PlannedAgent,
    seen: Map<string, Seen>,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<void> {
    const before = seen.get(planned.name)?.answer;
    const answer = (await this.probe.ask(planned, bearer)) ?? before;
    if (answer === undefined) return;
    if (!isSame(before, answer)) await this.write(row, planned, answer, before, services);
    seen.set(planned.name, { at: performance.now(), answer });
  }

  private async write(
    row: DeploymentRow,
    { name }: PlannedAgent,
    answer: MemberAnswer,
    before: MemberAnswer | undefined,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<void> {
    await this.db.inWorkspace(row.workspace, async (tx) => {
      const current = await this.deployments.find(tx, row.name, { lock: true });
      if (current === null || !current.started || current.hash !== row.hash || current.owner !== row.owner) return;
      await this.members.put(tx, row.workspace, row.id, name, answer);
      if (answer.standing !== before?.standing)
        await this.deploymentLog.tell(tx, current, services, { change: 'status', agent: name, reason: answer.note });
    });
  }

  /** What this replica saw since the last start or change; else what was written down before. */
  private async seenOf(row: DeploymentRow): Promise<Map<string, Seen>> {
    const stamp = `${row.version} ${row.started_at?.getTime()}`;
    const known = this.seen.get(row.id);
    if (known?.stamp === stamp) return known.members;
    const facts = await this.db.inWorkspace(row.workspace, async (tx) => (await this.members.of(tx, [row.id])).get(row.id)!);
    const members = new Map([...facts].map(([name, { standing, note, observed }]) => [name, seenBefore(standing, note, observed)]));
    this.seen.set(row.id, { stamp, members });
    return members;
  }
}

function seenBefore(standing: MemberAnswer['standing'], note: string, observed: string | undefined): Seen {
  return { at: -Infinity, answer: { standing, note, ...(observed !== undefined && { observed }) } };
}

function isFresh(seen: Seen | undefined): boolean {
  if (seen === undefined) return false;
  return performance.now() - seen.at < (seen.answer.standing === 'well' ? freshMs.well : freshMs.other);
}

function isSame(before: MemberAnswer | undefined, { standing, note, observed }: MemberAnswer): boolean {
  return before?.standing === standing && before.note === note && before.observed === observed;
}
