import { Injectable } from '@nestjs/common';
import type { MirrorPair, MirrorsMeasured } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import type { PairScores } from './mirror-totals.ts';
import { RolloutMeasures } from './rollout-measures.ts';

/** Rollouts that are heard of between two looks, and pairs of each: what is more counts as skipped. */
const rolloutsMax = 1_000;
const pairsMax = 500;

/** What was heard of the mirrored calls of a rollout since the last look. */
export interface HeardMirrors {
  skipped: number;
  pairs: readonly MirrorPair[];
  /** What agents that grade said of earlier pairs. */
  judged: readonly Judgement[];
}

/** What an agent said of both answers, and what that cost. */
export interface Judgement {
  scores: PairScores;
  costUsd: number;
}

interface Heard {
  skipped: number;
  pairs: MirrorPair[];
  judged: Judgement[];
}

/** Mirrored calls between two looks at their rollout. Every replica hears of all: the owner of the agent's shard counts them. */
@Injectable()
export class MirrorMeasures {
  private readonly heard = new Map<string, Heard>();

  constructor(private readonly measures: RolloutMeasures) {}

  hear(workspace: string, { rollout, agent, skipped, pairs }: MirrorsMeasured): void {
    if (this.measures.isOurs(workspace, agent)) this.add(rollout, { skipped, pairs, judged: [] });
  }

  /** An agent has graded a pair. */
  judged(rollout: string, judgement: Judgement): void {
    this.add(rollout, { skipped: 0, pairs: [], judged: [judgement] });
  }

  /** What was heard since it was asked last. `rollout`: `rollout_…`. */
  take(rollout: string): HeardMirrors | undefined {
    const heard = this.heard.get(rollout);
    this.heard.delete(rollout);
    return heard;
  }

  /** What was taken and not written. */
  putBack(rollout: string, heard: HeardMirrors | undefined): void {
    if (heard !== undefined) this.add(rollout, heard);
  }

  private add(rollout: string, { skipped, pairs, judged }: HeardMirrors): void {
    if (!this.heard.has(rollout) && this.heard.size >= rolloutsMax) this.heard.delete(this.heard.keys().next().value as string);
    const known = this.heard.get(rollout) ?? { skipped: 0, pairs: [], judged: [] };
    const room = pairs.slice(0, pairsMax - known.pairs.length);
    known.pairs.push(...room);
    known.judged.push(...judged.slice(0, pairsMax - known.judged.length));
    known.skipped += skipped + pairs.length - room.length;
    this.heard.set(rollout, known);
  }
}
