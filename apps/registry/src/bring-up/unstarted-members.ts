import { Injectable } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { DeploymentRow } from '../deployments/deployment.store.ts';
import type { MemberFact } from '../deployments/facts.ts';
import { planOf, type PlannedAgent } from '../deployments/plan.ts';
import { MemberProbe } from './member-probe.ts';

/** How long answers count for the same caller: a page that is watched asks again and again. */
const freshMs = 3_000;
const knownMax = 500;
const asksMax = 8;
/** After so long no more are asked: those that are left are not known to this look. */
const lookMs = 1_000;

/**
 * What is there already of the members of a deployment that is not started. Nobody holds it, so that whoever looks at it asks, with their own rights: what they may not
 * know, and what is not answered in time, is not known.
 */
@Injectable()
export class UnstartedMembers {
  private readonly known = new Map<string, { at: number; facts: Promise<Map<string, MemberFact>> }>();

  constructor(private readonly probe: MemberProbe) {}

  /** By the members' names; undefined of a deployment that is started: its holder asks. */
  async of(row: DeploymentRow, caller: Caller): Promise<ReadonlyMap<string, MemberFact> | undefined> {
    if (row.started || row.bearer !== null) return undefined;
    const { principal, roles, scopes } = caller;
    const key = JSON.stringify([row.id, row.version, principal, roles, scopes]);
    const known = this.known.get(key);
    if (known !== undefined && performance.now() - known.at < freshMs) return known.facts;
    if (this.known.size >= knownMax) this.known.clear();
    const facts = this.ask(row, caller);
    this.known.set(key, { at: performance.now(), facts });
    return facts;
  }

  private async ask(row: DeploymentRow, caller: Caller): Promise<Map<string, MemberFact>> {
    const facts = new Map<string, MemberFact>();
    const until = performance.now() + lookMs;
    const queue = planOf(row.manifest)
      .agents.filter(({ kind }) => kind !== 'agent' && kind !== 'migration')
      .values();
    const work = async (): Promise<void> => {
      for (const planned of queue) {
        if (performance.now() > until) return;
        const answer = await this.answer(planned, caller);
        if (answer !== null) facts.set(planned.name, answer);
      }
    };
    await Promise.all(Array.from({ length: asksMax }, work));
    return facts;
  }

  private async answer(planned: PlannedAgent, caller: Caller): Promise<MemberFact | null> {
    try {
      return await this.probe.answer(planned, caller);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      log.debug('a member of a deployment that is not started is not known', { member: planned.name, err: thrown });
      return null;
    }
  }
}
