import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { runEnded, type RunChanged } from '@signalbox/shared/contracts/execution/run-changed.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { RunStore } from '../runs/run.store.ts';
import { DueSchedules } from '../schedules/due-schedules.ts';
import { ScheduleClock } from '../schedules/schedule-clock.ts';
import { TriggerStore } from './trigger.store.ts';
import { Triggers } from './triggers.ts';

/** Triggers that may lead to one another before it is a loop. */
const depthMax = 8;
/** The label that says how many led to a run. */
const depthLabel = 'trigger-depth';

/** Hears of ends of runs that a schedule or a trigger waits for. */
@Controller()
export class RunEndedListener {
  constructor(
    private readonly due: DueSchedules,
    private readonly clock: ScheduleClock,
    private readonly store: TriggerStore,
    private readonly triggers: Triggers,
    private readonly runs: RunStore,
  ) {}

  @HandlesEvent(runEnded)
  async handle(@Payload() { id, workflow, status, reason, at }: RunChanged, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace } = meta.data;
    const run = toUuid(id, 'run');
    if (await this.due.runEnded(run)) this.clock.wake();
    const watching = (await this.store.watching(workspace, workflow)).filter(
      // The stream may hold ends from before there was this trigger.
      ({ manifest, view }) => (manifest.spec.on.runEnded?.status ?? [status]).includes(status) && at >= Date.parse(view.createdAt),
    );
    if (watching.length === 0) return;
    const read = await this.runs.read(workspace, run);
    if (!read) return;
    const { input, output = null, error } = read.state;
    const { labels } = read.facts;
    // With the run from its first row on: its children have it too.
    const depth = 1 + (Number(labels[depthLabel]) || 0);
    const failure = error === undefined ? null : { code: error.code, detail: error.detail };
    const ended: Json = { id, workflow, status, reason, input, output, error: failure, labels };
    const event: Json = { run: ended, at: new Date(at).toISOString() };
    for (const { source, ...rest } of watching) {
      if (depth <= depthMax) {
        await this.triggers.fire({ ...rest, source: { ...source, labels: { ...source.labels, [depthLabel]: String(depth) } } }, id, event);
      } else {
        const why = `${depthMax} triggers have led to this run already: it looks like a loop`;
        await this.triggers.keep(source, { key: id, time: now(), outcome: 'skipped', reason: why });
      }
    }
  }
}
