import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { runEnded, type RunChanged } from '@signalbox/shared/contracts/execution/run-changed.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { Json } from '../core/json.ts';
import { RunStore } from '../runs/run.store.ts';
import { DueSchedules } from '../schedules/due-schedules.ts';
import { ScheduleClock } from '../schedules/schedule-clock.ts';
import { TriggerStore } from './trigger.store.ts';
import { Triggers } from './triggers.ts';

/** Triggers that may lead to one another before it is a loop. */
const depthMax = 8;

/** Hears of ends of runs that a schedule or a trigger waits for. */
@Controller()
export class RunEndedListener {
  constructor(
    private readonly due: DueSchedules,
    private readonly clock: ScheduleClock,
    private readonly store: TriggerStore,
    private readonly triggers: Triggers,
    private readonly runs: RunStore,
    private readonly db: WorkspaceDatabase,
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
    const depth = 1 + (await this.depthOf(workspace, run));
    const { input, output = null, error } = read.state;
    const failure = error === undefined ? null : { code: error.code, detail: error.detail };
    const ended: Json = { id, workflow, status, reason, input, output, error: failure, labels: read.facts.labels };
    const event: Json = { run: ended, at: new Date(at).toISOString() };
    for (const trigger of watching) {
      if (depth <= depthMax) await this.triggers.fire(trigger, id, event, depth);
      else {
        const why = `${depthMax} triggers have led to this run already: it looks like a loop`;
        await this.triggers.keep(trigger.source, { key: id, time: now(), outcome: 'skipped', reason: why, depth });
      }
    }
  }

  /** How many triggers led to a run, or to the one that it is a child of. */
  private async depthOf(workspace: string, run: string): Promise<number> {
    const [row] = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<{ depth: number | null }[]>(
        `WITH RECURSIVE line AS (
           SELECT run_id, parent, 1 AS n FROM run WHERE run_id = $1
           UNION ALL SELECT r.run_id, r.parent, n + 1 FROM run r JOIN line ON r.run_id = line.parent WHERE n < 64
         ) SELECT max(f.depth)::int AS depth FROM line JOIN firing f ON f.run_id = line.run_id`,
        [run],
      ),
    );
    return row?.depth ?? 0;
  }
}
