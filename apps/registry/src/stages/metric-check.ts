import type { GateMetric } from '@signalbox/shared/contracts/registry/gate.js';
import type { MetricCheck, MetricStanding } from '@signalbox/shared/contracts/registry/stage-check.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { liveMetrics, liveSource } from '../live/live-source.ts';
import type { Measured } from './facts.ts';

/** What a metric is held against. */
export interface Against {
  agent: string;
  version: number;
  stage: Stage;
  /** Older evidence does not count. */
  freshFrom: number;
  /** How long evidence counts, in milliseconds. */
  lifeMs: number;
  /** What is known of the version: of each metric and source the newest. */
  measured: readonly Measured[];
  /** The version at the stage now, which is another, and what is known of it, however old; null: there is none. */
  baseline: { version: number; measured: readonly Measured[] } | null;
}

/** How one metric of a gate stands. Of several sources the worst counts; what the registry measured itself does where no report says anything. */
export function checkMetric(target: GateMetric, against: Against): MetricCheck {
  const { metric } = target;
  const all = against.measured.filter((one) => one.metric === metric);
  const fresh = reportsFirst(all.filter(({ at }) => at.getTime() > against.freshFrom));
  const bounds = boundsOf(
    target,
    against,
    fresh.some(({ source }) => source === liveSource),
  );
  const worst = worstOf(fresh, bounds);
  const about = (one: Measured): Pick<MetricCheck, 'value' | 'source' | 'evidence' | 'expiresAt'> => ({
    value: one.value,
    source: one.source,
    evidence: one.evidence,
    expiresAt: new Date(one.at.getTime() + against.lifeMs).toISOString(),
  });
  const shared = {
    metric,
    target: bounds.words,
    ...(bounds.baseline !== undefined && { baseline: bounds.baseline }),
    ...(bounds.isRelative && against.baseline && { baselineVersion: against.baseline.version }),
  };
  if (worst === undefined) {
    const last = all.toSorted((a, b) => b.at.getTime() - a.at.getTime())[0];
    const standing: MetricStanding = last ? 'expired' : 'missing';
    const says = last
      ? `the evidence for ${metric} expired on ${new Date(last.at.getTime() + against.lifeMs).toISOString().slice(0, 10)}`
      : `there is no evidence for ${metric}`;
    return {
      ...shared,
      ...(last && about(last)),
      standing,
      says: `${says}: it must be ${bounds.words}`,
      next: commandFor(metric, against.agent, against.version),
    };
  }
  const found = { ...shared, ...about(worst.one) };
  if (bounds.lacksBaseline) {
    const { version } = against.baseline!;
    const says = `${metric} cannot be compared: there is none of version ${version}, which is at ${against.stage} now`;
    return { ...found, standing: 'no-baseline', says, next: commandFor(metric, against.agent, version) };
  }
  if (worst.shortBy <= 0)
    return { ...found, standing: 'met', says: `${metric} is ${figure(worst.one.value)}, and must be ${bounds.words}` };
  const shortBy = worst.shortBy;
  const way = worst.one.value < bounds.low ? 'less' : 'more';
  return {
    ...found,
    standing: 'short',
    shortBy,
    says: `${metric} is ${figure(worst.one.value)}, and must be ${bounds.words}: ${figure(shortBy)} too ${way === 'less' ? 'little' : 'much'}`,
    next: commandFor(metric, against.agent, against.version),
  };
}

interface Bounds {
  low: number;
  high: number;
  words: string;
  isRelative: boolean;
  baseline?: number;
  lacksBaseline: boolean;
}

/** Between which values a metric must lie, those by the baseline included. */
function boundsOf(target: GateMetric, { baseline, stage }: Against, isLive: boolean): Bounds {
  const { metric, min = -Infinity, max = Infinity, maxRise, maxFall, slack = 0 } = target;
  const isRelative = maxRise !== undefined || maxFall !== undefined;
  const ofMetric = baseline?.measured.filter((one) => one.metric === metric) ?? [];
  // Like with like: a load test says other things than calls of every day, where there is both.
  const alike = ofMetric.filter(({ source }) => (source === liveSource) === isLive);
  const before = (alike.length > 0 ? alike : ofMetric).map(({ value }) => value);
  const words = [];
  if (min > -Infinity) words.push(`at least ${figure(min)}`);
  if (max < Infinity) words.push(`at most ${figure(max)}`);
  if (!isRelative) return { low: min, high: max, words: words.join(' and '), isRelative, lacksBaseline: false };
  if (baseline === null || before.length === 0) {
    words.push(baseline === null ? `measured, as the first at ${stage}` : `comparable with version ${baseline.version}`);
    return { low: min, high: max, words: words.join(' and '), isRelative, lacksBaseline: baseline !== null };
  }
  // The worst of its sources, as for the version itself.
  const value = maxRise === undefined ? Math.min(...before) : Math.max(...before);
  const low = maxFall === undefined ? -Infinity : value - Math.abs(value) * maxFall - slack;
  const high = maxRise === undefined ? Infinity : value + Math.abs(value) * maxRise + slack;
  if (low > -Infinity) words.push(`at least ${figure(low)}`);
  if (high < Infinity) words.push(`at most ${figure(high)}`);
  const says = `${words.join(' and ')} (version ${baseline.version} has ${figure(value)})`;
  return { low: Math.max(low, min), high: Math.min(high, max), words: says, isRelative, baseline: value, lacksBaseline: false };
}

function reportsFirst(measured: readonly Measured[]): readonly Measured[] {
  const reports = measured.filter(({ source }) => source !== liveSource);
  return reports.length > 0 ? reports : measured;
}

/** The source that lies furthest outside, else the one that lies nearest to a bound. */
function worstOf(fresh: readonly Measured[], { low, high }: Bounds): { one: Measured; shortBy: number } | undefined {
  return fresh.map((one) => ({ one, shortBy: Math.max(low - one.value, one.value - high) })).sort((a, b) => b.shortBy - a.shortBy)[0];
}

/** A number as people read it. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** What a report of this metric is sent with. */
function commandFor(metric: string, agent: string, version: number): string {
  const add = `signalbox evidence add ${agent}@${version}`;
  const [, evals] = /^(?:evals|counterfactual)\.([a-z0-9-]+)\./.exec(metric) ?? [];
  if (evals !== undefined) return `signalbox evals run ${evals} --agent ${agent}@${version}`;
  const [, suite] = /^tests\.([a-z0-9-]+)\./.exec(metric) ?? [];
  if (suite !== undefined) return `${add} --suite ${suite} --file junit.xml`;
  if (metric.startsWith('coverage.')) return `${add} --file lcov.info`;
  if (/^security\.(?:critical|high|medium|low|findings)$/.test(metric)) return `${add} --file scan.sarif`;
  if (metric.startsWith('mirror.')) return `signalbox rollouts start ${agent}@${version}`;
  if (liveMetrics.has(metric)) return `signalbox evidence measure ${agent}@${version}`;
  return `${add} --file metrics.json`;
}
