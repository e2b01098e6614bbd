import { Injectable } from '@nestjs/common';
import type { StageHolder, StageMove } from '@signalbox/shared/contracts/registry/get-stages.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { EvidenceStore } from '../evidence/evidence.store.ts';
import { GateStore } from '../gates/gate.store.ts';
import { knownGates } from '../gates/gate.ts';
import type { Holder, Measured, Move } from './facts.ts';
import type { StageFacts } from './stage-check.ts';
import { StageStore } from './stage.store.ts';

/** Reads what decides on promotions. */
@Injectable()
export class Stages {
  constructor(
    private readonly gates: GateStore,
    private readonly evidence: EvidenceStore,
    private readonly stages: StageStore,
  ) {}

  /** All that decides on a version of an agent, as `asker` asks. */
  async factsOf(tx: EntityManager, agent: { id: string; name: string }, version: number, asker: string): Promise<StageFacts> {
    const holders = await this.stages.holders(tx, agent.id);
    const versions = new Set([version, ...[...holders.values()].flatMap((holder) => [holder.version, holder.previous ?? holder.version])]);
    const measured = new Map<number, Measured[]>();
    for (const one of versions) measured.set(one, await this.evidence.newest(tx, agent.id, one));
    return {
      agent: agent.name,
      version,
      asker,
      gates: knownGates(await this.gates.all(tx)),
      holders,
      measured,
      moves: await this.stages.moves(tx, agent.id, { version }),
      now: now(),
    };
  }
}

/** Who is where, as it is shown. */
export function holderViews(holders: ReadonlyMap<Stage, Holder>): StageHolder[] {
  return [...holders.values()].map(({ stage, version, since, by, byName }) => ({ stage, version, since: since.toISOString(), by, byName }));
}

/** Something that was done, as it is shown. */
export function moveView({ move, stage, version, by, byName, reason, at }: Move): StageMove {
  return { move, stage, version, by, byName, ...(reason !== null && { reason }), at: at.toISOString() };
}
