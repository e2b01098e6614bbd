import type { Bus } from '@signalbox/shared/bus/bus.js';
import {
  mirrorPairsMax,
  mirrorsMeasured,
  mirrorValueMaxBytes,
  type MirrorPair,
  type MirrorSide,
} from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { sizeOf, type Json } from '@signalbox/workflow/core/json.js';
import canonicalize from 'canonicalize';
import type { Answered, MirrorTask } from './mirror-task.ts';

const tellMs = 250;
/** Rollouts with something to be told; of more nothing is, until this was. */
const rolloutsMax = 1_000;
const textMax = 1_000;

interface Counts {
  workspace: string;
  agent: string;
  skipped: number;
  pairs: MirrorPair[];
}

/** Counts calls that were mirrored, and tells both answers of each to the registry, which judges them. */
export class MirrorTally {
  private counts = new Map<string, Counts>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly bus: Bus) {}

  skip(workspace: string, agent: string, rollout: string): void {
    const counts = this.of(workspace, agent, rollout);
    if (counts !== undefined) counts.skipped++;
  }

  add({ workspace, target, rollout, of: task, input, stable }: MirrorTask, candidate: Answered): void {
    const isEqual =
      stable.output !== undefined && candidate.output !== undefined && canonicalize(stable.output) === canonicalize(candidate.output);
    const pair = { task, isEqual, ...sent('input', input), stable: sideOf(stable), candidate: sideOf(candidate) };
    this.of(workspace, target, rollout)?.pairs.push(pair);
  }

  /** What was counted is told now. */
  stop(): void {
    clearTimeout(this.timer);
    this.tell();
  }

  private of(workspace: string, agent: string, rollout: string): Counts | undefined {
    let counts = this.counts.get(rollout);
    if (counts === undefined) {
      if (this.counts.size >= rolloutsMax) return undefined;
      this.counts.set(rollout, (counts = { workspace, agent, skipped: 0, pairs: [] }));
    }
    this.timer ??= setTimeout(() => this.tell(), tellMs);
    return counts;
  }

  private tell(): void {
    this.timer = undefined;
    const told = this.counts;
    this.counts = new Map();
    for (const [rollout, { workspace, agent, skipped, pairs }] of told) {
      for (let at = 0; at === 0 || at < pairs.length; at += mirrorPairsMax) {
        const part = { rollout, agent, skipped: at === 0 ? skipped : 0, pairs: pairs.slice(at, at + mirrorPairsMax) };
        try {
          this.bus.publishLive(mirrorsMeasured, part, { workspace, entity: rollout });
        } catch (err) {
          log.debug('how mirrored calls went was not told', { rollout, err });
        }
      }
    }
  }
}

function sideOf({ output, error, invalid, usage, tookMs }: Answered): MirrorSide {
  return {
    tookMs,
    costUsd: usage?.costUsd ?? 0,
    ...(error !== undefined && { error: `${error.code}: ${error.detail}`.slice(0, textMax) }),
    ...(invalid !== undefined && { invalid: invalid.slice(0, textMax) }),
    ...(output !== undefined && sent('output', output)),
  };
}

function sent<Name extends string>(name: Name, value: Json): Partial<Record<Name, Json>> {
  return sizeOf(value) > mirrorValueMaxBytes ? {} : ({ [name]: value } as Record<Name, Json>);
}
