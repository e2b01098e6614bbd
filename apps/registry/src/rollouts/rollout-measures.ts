import { Injectable } from '@nestjs/common';
import type { VersionMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { shardOfAgent } from '@signalbox/shared/contracts/registry/instance-shard.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { InstanceShards } from '../instances/instance-shards.ts';
import { noTotals, sumOf, type Totals } from './totals.ts';

/** Versions that are remembered between two looks. */
const versionsMax = 10_000;

interface Heard {
  /** When the first of it was heard, in epoch milliseconds. */
  from: number;
  totals: Totals;
}

/** How calls of versions went since the last look at their rollout. Every replica hears of all: the owner of an agent's shard counts them. */
@Injectable()
export class RolloutMeasures {
  private readonly heard = new Map<string, Heard>();

  constructor(private readonly shards: InstanceShards) {}

  hear(workspace: string, measures: readonly VersionMeasure[]): void {
    for (const measure of measures) {
      const key = `${workspace} ${measure.agent} ${measure.version}`;
      if (this.isOurs(workspace, measure.agent)) this.add(key, measure);
      // What was heard before the shard went to another is no measure of what is under way when it comes back.
      else this.heard.delete(key);
    }
  }

  /** What was taken and not written. */
  putBack(workspace: string, agent: string, taken: readonly [version: number, totals: Totals | undefined][]): void {
    for (const [version, totals] of taken) if (totals !== undefined) this.add(`${workspace} ${agent} ${version}`, totals);
  }

  private add(key: string, totals: Totals): void {
    if (!this.heard.has(key) && this.heard.size >= versionsMax) this.heard.delete(this.heard.keys().next().value as string);
    const { from, totals: known } = this.heard.get(key) ?? { from: now(), totals: noTotals() };
    this.heard.set(key, { from, totals: sumOf(known, totals) });
  }

  isOurs(workspace: string, agent: string): boolean {
    return this.shards.owns(shardOfAgent(workspace, agent));
  }

  /** What was heard since it was asked last. Nothing where some of that is older than the rollout: calls are measured while none is under way too. */
  take(workspace: string, agent: string, version: number, begunAt: Date): Totals | undefined {
    const key = `${workspace} ${agent} ${version}`;
    const heard = this.heard.get(key);
    this.heard.delete(key);
    return heard !== undefined && heard.from >= begunAt.getTime() ? heard.totals : undefined;
  }
}
