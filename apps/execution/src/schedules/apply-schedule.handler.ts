import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applySchedule, type ApplyScheduleReply, type ApplyScheduleRequest } from '@signalbox/shared/contracts/execution/apply-schedule.js';
import { requirePermission, FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { RunStarter } from '../runs/run-starter.ts';
import { diff, type Difference } from '@signalbox/workflow/language/diff.js';
import { checkScheduleManifest, requireName, requireVersion } from '../workflows/read-manifest.ts';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { needsRights } from './ignition.ts';
import { offsetOf } from './move.ts';
import { nextAfter } from './rhythm.ts';
import { scheduleOf, type ScheduleManifest } from './schedule.ts';
import { ScheduleClock } from './schedule-clock.ts';
import { ScheduleStore, type StoredSchedule } from './schedule.store.ts';

@Controller()
export class ApplyScheduleHandler {
  constructor(
    private readonly store: ScheduleStore,
    private readonly workflows: WorkflowStore,
    private readonly starter: RunStarter,
    private readonly clock: ScheduleClock,
    private readonly audit: Audit,
  ) {}

  @Handles(applySchedule)
  async handle(@Payload() request: ApplyScheduleRequest, @FromCaller() caller: Caller): Promise<ApplyScheduleReply> {
    const { name } = request;
    const { workspace } = caller;
    // Its runs will be the caller's: who may not start any gives no schedule a run.
    requirePermission(caller, 'runs:write');
    const manifest = checkScheduleManifest(request.manifest);
    requireName(manifest, name);
    const schedule = scheduleOf(manifest);
    if (!(await this.workflows.definitionOf(workspace, manifest.spec.workflow))) throw unknownWorkflow(manifest.spec.workflow);
    let changes: Difference[] = [];
    let action: 'created' | 'updated' | 'unchanged' = 'unchanged';
    const decide = (current: StoredSchedule | null): void => {
      requireVersion(`schedule ${name}`, current?.view.version ?? 0, request.expectedVersion);
      changes = diff(current?.manifest as unknown as Json, manifest as unknown as Json);
      action = current === null ? 'created' : changes.length > 0 || needsRights(current.view, caller.name) ? 'updated' : 'unchanged';
    };
    if (request.dryRun === true) {
      const current = await this.store.find(workspace, name);
      decide(current);
      return { action, changes, resource: current?.view ?? preview(manifest, caller.name) };
    }
    const grant = await this.starter.grantOf(caller);
    const next = nextAfter(schedule.rhythm, now());
    const stored = await this.store.apply(
      workspace,
      name,
      (current) => {
        decide(current);
        if (action === 'unchanged') return null;
        const isSameRhythm = current !== null && !changes.some(({ path }) => rhythmFields.has(path));
        return {
          manifest,
          principalName: caller.name,
          grant,
          next: isSameRhythm ? undefined : next,
          offsetMs: (id) => offsetOf(id, schedule.jitterMs),
        };
      },
      (tx, version) =>
        this.audit.append(tx, caller, { action: 'schedule.apply', target: `schedule ${name}`, detail: { what: action, version } }),
    );
    this.clock.wake();
    return { action, changes, resource: stored.view };
  }
}

/** A change of these counts the times anew. */
const rhythmFields: ReadonlySet<string> = new Set(['spec.cron', 'spec.every', 'spec.timeZone', 'spec.start', 'spec.end']);

/** What would stand there. */
function preview(manifest: ScheduleManifest, by: string): StoredSchedule['view'] {
  const { metadata, spec } = manifest;
  const at = new Date(now()).toISOString();
  const next = nextAfter(scheduleOf(manifest).rhythm, now());
  return {
    id: fromUuid('sched', newUuid()),
    name: metadata.name,
    description: metadata.description ?? null,
    labels: metadata.labels ?? {},
    workflow: spec.workflow,
    cron: spec.cron ?? null,
    every: spec.every === undefined ? null : String(spec.every),
    timeZone: spec.timeZone ?? 'UTC',
    overlap: spec.overlap ?? 'skip',
    state: next === null ? 'ended' : 'active',
    pausedReason: null,
    pausedBy: null,
    nextTime: next === null ? null : new Date(next).toISOString(),
    lastTime: null,
    last: null,
    appliedBy: by,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}
