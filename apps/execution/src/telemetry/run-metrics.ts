import { Injectable } from '@nestjs/common';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import type { LiveRun } from '../shards/live-run.ts';
import { Histogram } from './histogram.ts';

/** So many workflows have rows of their own; what later ones do is counted together, as `other`: whoever reads this must not grow without bound. */
const workflowsMax = 200;
const other = 'other';

const ends = ['succeeded', 'failed', 'cancelled'] as const;

/** What runs of one workflow did here, since this process began. */
class Counts {
  started = 0;
  readonly ended = { succeeded: 0, failed: 0, cancelled: 0 };
  readonly steps = { succeeded: 0, degraded: 0, failed: 0 };
  retries = 0;
  inputTokens = 0;
  outputTokens = 0;
  costUsd = 0;
  readonly duration = new Histogram([0.01, 0.1, 1, 10, 60, 600, 3_600, 86_400]);
  readonly wait = new Histogram([0.001, 0.01, 0.1, 1, 10, 60, 600]);

  constructor(
    readonly workspace: string,
    readonly workflow: string,
  ) {}
}

/** Metrics of runs by workflow, from what is committed: a run that moves between replicas is counted by each for what it did there. */
@Injectable()
export class RunMetrics {
  private readonly counts = new Map<string, Counts>();
  private readonly ofRun = new WeakMap<LiveRun, Counts>();

  constructor(lifecycle: ServiceLifecycle) {
    lifecycle.measure(() => this.text());
  }

  /** Counts what has happened to a run. */
  committed(run: LiveRun, transitions: readonly Transition[]): void {
    const counts = this.ofRun.get(run) ?? this.find(run);
    for (const transition of transitions) {
      switch (transition.t) {
        case 'started':
          counts.started++;
          break;
        case 'began': {
          const queuedAt = unitOf(run.state, transition.s, transition.i)?.queuedAt;
          if (queuedAt !== undefined) counts.wait.observe(Math.max(0, transition.at - queuedAt) / 1_000);
          break;
        }
        case 'retrying':
        case 'seeking':
        case 'succeeded':
        case 'degraded':
        case 'failed':
          if (transition.t === 'retrying' || transition.t === 'seeking') counts.retries++;
          else if (transition.t === 'failed' || transition.isKept !== true) counts.steps[transition.t]++;
          if (transition.usage === undefined) break;
          counts.inputTokens += transition.usage.inputTokens;
          counts.outputTokens += transition.usage.outputTokens;
          counts.costUsd += transition.usage.costUsd;
          break;
        case 'ended':
          counts.ended[transition.status]++;
          counts.duration.observe(Math.max(0, transition.at - run.state.startedAt) / 1_000);
          break;
        default: // nothing else is counted
      }
    }
  }

  private find(run: LiveRun): Counts {
    const isKnown = this.counts.has(`${run.facts.workspace} ${run.facts.workflow}`) || this.counts.size < workflowsMax;
    const { workspace, workflow } = isKnown ? run.facts : { workspace: other, workflow: other };
    const key = `${workspace} ${workflow}`;
    let counts = this.counts.get(key);
    if (counts === undefined) this.counts.set(key, (counts = new Counts(workspace, workflow)));
    this.ofRun.set(run, counts);
    return counts;
  }

  private text(): string {
    const all = [...this.counts.values()].map((counts) => ({
      counts,
      labels: `workspace=${quoted(counts.workspace)},workflow=${quoted(counts.workflow)}`,
    }));
    const family = (name: string, type: string, help: string, rows: (counts: Counts, labels: string) => string[]): string[] => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...all.flatMap(({ counts, labels }) => rows(counts, labels)),
    ];
    const single = (name: string, help: string, value: (counts: Counts) => number): string[] =>
      family(name, 'counter', help, (counts, labels) => [`${name}{${labels}} ${value(counts)}`]);
    const histogram = (name: string, help: string, value: (counts: Counts) => Histogram): string[] =>
      family(name, 'histogram', help, (counts, labels) => value(counts).lines(name, labels));
    return [
      ...single('signalbox_runs_started_total', 'Runs started.', ({ started }) => started),
      ...family('signalbox_runs_ended_total', 'counter', 'Runs ended, by how.', ({ ended }, labels) =>
        ends.map((outcome) => `signalbox_runs_ended_total{${labels},outcome="${outcome}"} ${ended[outcome]}`),
      ),
      ...histogram('signalbox_run_duration_seconds', 'From the start of a run to its end.', ({ duration }) => duration),
      ...family('signalbox_steps_ended_total', 'counter', 'Steps and items ended, by how.', ({ steps }, labels) =>
        (['succeeded', 'degraded', 'failed'] as const).map(
          (outcome) => `signalbox_steps_ended_total{${labels},outcome="${outcome}"} ${steps[outcome]}`,
        ),
      ),
      ...single('signalbox_step_retries_total', 'Attempts that failed and were followed by another.', ({ retries }) => retries),
      ...histogram('signalbox_step_wait_seconds', 'From when an attempt was queued until it began.', ({ wait }) => wait),
      ...family('signalbox_tokens_total', 'counter', 'Tokens, as executors told.', ({ inputTokens, outputTokens }, labels) => [
        `signalbox_tokens_total{${labels},direction="input"} ${inputTokens}`,
        `signalbox_tokens_total{${labels},direction="output"} ${outputTokens}`,
      ]),
      ...single('signalbox_cost_usd_total', 'What that cost, in US dollars.', ({ costUsd }) => costUsd),
      '',
    ].join('\n');
  }
}

/** A label's value, as the Prometheus text format has it. */
function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
