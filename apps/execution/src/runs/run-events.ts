import type { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { runChanged, runEnded, type RunChanged } from '@signalbox/shared/contracts/execution/run-changed.js';
import { runProgressed, type RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { approvalEvents } from '../approvals/approval-events.ts';
import type { ApprovalRow } from '../approvals/approval-row.ts';
import type { LogLine } from '@signalbox/workflow/core/attempt-log.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { OutboxEvent } from '../journal/append.ts';
import type { LiveRun } from '../shards/live-run.ts';
import { eventOf } from '@signalbox/workflow/views/event-view.js';

/** Events of the stream are published together, at most this late: the next step of a run does not wait for what only tells of it. */
const publishMs = 20;
/** Published events are marked together, this often; unmarked ones are published again by the sweep and dropped by their id. */
const markMs = 200;
const stopMs = 1_000;
/** Events of one commit that one message tells: each may have some 20 KB. */
const toldMax = 20;

/** A workflow of a workspace, as `RunEvents.watched` knows it. */
export function watchKey(workspace: string, workflow: string): string {
  return `${workspace} ${workflow}`;
}

interface Announced {
  /** Of the first transition of its row. */
  seq: number;
  /** The number up to which these messages tell all. */
  since: number;
  messages: (() => void)[];
}

/** Tells the world of runs, after the commit: every transition on core NATS, start, end and approvals through the stream. */
export class RunEvents {
  private unpublished: { workspace: string; event: OutboxEvent }[] = [];
  private publishTimer: NodeJS.Timeout | undefined;
  private published: string[] = [];
  /** Workflows whose runs' ends start others, by `watchKey`: for them alone an event of its own is written with the end. */
  watched: ReadonlySet<string> = new Set();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly system: SystemDatabase,
    private readonly outbox: Outbox,
  ) {}

  /** Events that go into the outbox with the row that starts or ends a run, or changes its approvals: the audit's record of an answer too. */
  eventsOf(run: LiveRun, transitions: readonly Transition[], approvals: readonly ApprovalRow[]): OutboxEvent[] {
    const events = approvalEvents(run, transitions, approvals);
    for (const transition of transitions) {
      if (transition.t === 'started') events.push(this.event(run, 1, transition.at, 'running', null));
      if (transition.t !== 'ended') continue;
      const end = this.event(run, 2, transition.at, transition.status, transition.reason);
      events.push(end);
      if (this.watched.has(watchKey(run.facts.workspace, run.facts.workflow)))
        events.push({ ...end, id: newUuid(), subject: runEnded.subject });
    }
    this.waiting.set(run, [...(this.waiting.get(run) ?? []), ...events]);
    return events;
  }

  /** Events of rows that are being committed, until they are. */
  private readonly waiting = new WeakMap<LiveRun, OutboxEvent[]>();

  /** Of rows that are being committed: what tells of them. */
  private readonly announced = new WeakMap<LiveRun, Announced>();

  /** The number up to which all of a run was told; absent where another owner did it. */
  private readonly told = new WeakMap<LiveRun, number>();

  /** Makes ready what tells of transitions that are being committed. */
  announce(run: LiveRun, seq: number, transitions: readonly Transition[]): void {
    const { workspace } = run.facts;
    const messages: (() => void)[] = [];
    const told = transitions.flatMap((transition, offset) => eventOf(run.id, run.state.graph, seq + offset, transition) ?? []);
    let since = this.told.get(run) ?? seq - 1;
    for (let at = 0; at < told.length; at += toldMax) {
      const earlier = told.slice(at, at + toldMax);
      const last = earlier.pop() as RunEventView;
      const from = since;
      since = last.seq;
      messages.push(
        this.bus.prepareLive(
          runProgressed,
          { ...last, ...(earlier.length > 0 && { earlier }), since: from },
          { workspace, entity: run.id, version: last.seq, id: `${run.id}:${last.seq}` },
        ),
      );
    }
    this.announced.set(run, { seq, since, messages });
  }

  /** Called once the row of these transitions is committed. */
  committed(run: LiveRun, seq: number, transitions: readonly Transition[]): void {
    const { workspace } = run.facts;
    // Nothing is ready where the database could not be reached at first.
    if (this.announced.get(run)?.seq !== seq) this.announce(run, seq, transitions);
    const { since, messages } = this.announced.get(run) as Announced;
    this.announced.delete(run);
    this.told.set(run, since);
    for (const publish of messages) this.publishQuietly(publish);
    const events = this.waiting.get(run);
    if (events === undefined) return;
    this.waiting.delete(run);
    for (const event of events) this.unpublished.push({ workspace, event });
    // What starts other runs is not held back.
    if (events.some(({ subject }) => subject === runEnded.subject)) void this.publishAll();
    else this.publishTimer ??= setTimeout(() => void this.publishAll(), publishMs);
  }

  /** What an executor says it is at, as it says it. */
  progress(
    run: LiveRun,
    step: string,
    attempt: number,
    agent: string,
    instance: string | undefined,
    { at, message, fraction }: LogLine,
  ): void {
    this.publishQuietly(() =>
      this.bus.publishLive(
        runProgressed,
        {
          seq: run.lastSeq,
          at: new Date(at).toISOString(),
          run: run.id,
          type: 'step.progress',
          step,
          attempt,
          agent,
          ...(instance !== undefined && { instance }),
          message,
          ...(fraction !== undefined && { fraction }),
        },
        { workspace: run.facts.workspace, entity: run.id },
      ),
    );
  }

  async stop(): Promise<void> {
    // What is not published by then, the sweep of another replica publishes.
    await Promise.race([this.publishAll(), sleep(stopMs)]);
    clearTimeout(this.timer);
    await this.mark();
  }

  /** While NATS is away live events are lost, as they may be: followers read the journal when it is back. */
  private publishQuietly(publish: () => void): void {
    try {
      publish();
    } catch (err) {
      log.debug('a live event was not published', { err });
    }
  }

  private event(run: LiveRun, version: number, at: number, status: RunChanged['status'], reason: string | null): OutboxEvent {
    const payload: RunChanged = { id: run.id, workflow: run.facts.workflow, status, reason, at: Math.round(at) };
    return { id: newUuid(), subject: runChanged.subject, entity: run.id, version, payload };
  }

  private async publishAll(): Promise<void> {
    clearTimeout(this.publishTimer);
    this.publishTimer = undefined;
    await Promise.all(this.unpublished.splice(0).map(({ workspace, event }) => this.publishEvent(workspace, event)));
  }

  private async publishEvent(workspace: string, { id, subject, entity, version, payload }: OutboxEvent): Promise<void> {
    const envelope: EventEnvelope = { id, workspace, entity, version, at: now(), payload };
    try {
      await this.outbox.publish(subject, envelope);
    } catch (err) {
      log.debug('an event waits for the sweep', { err });
      return;
    }
    this.published.push(id);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.mark();
    }, markMs);
  }

  private async mark(): Promise<void> {
    const ids = this.published.splice(0);
    if (ids.length === 0) return;
    try {
      await this.system.source.query(`UPDATE outbox SET published_at = now() WHERE id = ANY($1::uuid[])`, [ids]);
    } catch (err) {
      log.debug('published events stay marked as open', { err });
    }
  }
}
