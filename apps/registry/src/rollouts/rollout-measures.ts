import { Injectable } from '@nestjs/common';
import type { VersionMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { shardOfAgent } from '@signalbox/shared/contracts/registry/instance-shard.js';
import { InstanceShards } from '../instances/instance-shards.ts';
import { noTotals, sumOf, type Totals } from './totals.ts';

/** Versions that are remembered between two looks. */
const versionsMax = 10_000;

/** How calls of versions went since the last look at their rollout. Every replica hears of all: the owner of an agent's shard counts them. */
@Injectable()
export class RolloutMeasures {
  private readonly heard = new Map<string, Totals>();

  constructor(private readonly shards: InstanceShards) {}

  hear(workspace: string, measures: readonly VersionMeasure[]): void {
    for (const measure of measures)
      if (this.isOurs(workspace, measure.agent)) this.add(`${workspace} ${measure.agent} ${measure.version}`, measure);
  }

  /** What was taken and not written. */
  putBack(workspace: string, agent: string, taken: readonly [version: number, totals: Totals | undefined][]): void {
    for (const [version, totals] of taken) if (totals !== undefined) this.add(`${workspace} ${agent} ${version}`, totals);
  }

  private add(key: string, totals: Totals): void {
    if (!this.heard.has(key) && this.heard.size >= versionsMax) this.heard.delete(this.heard.keys().next().value as string);
    this.heard.set(key, sumOf(this.heard.get(key) ?? noTotals(), totals));
  }

  isOurs(workspace: string, agent: string): boolean {
    return this.shards.owns(shardOfAgent(workspace, agent));
  }

  /** What was heard since it was asked last. */
  take(workspace: string, agent: string, version: number): Totals | undefined {
    const key = `${workspace} ${agent} ${version}`;
    const totals = this.heard.get(key);
    this.heard.delete(key);
    return totals;
  }
}
