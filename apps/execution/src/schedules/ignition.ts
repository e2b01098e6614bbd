import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { CallLife } from '@signalbox/shared/bus/call-life.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { StartRefused } from '../limits/limited-runs.ts';
import { RunStarter, type StartWish } from '../runs/run-starter.ts';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';

const startMs = 10_000;

/** A schedule or trigger, as far as it starts runs. */
export interface Source {
  workspace: string;
  /** Its UUID. */
  id: string;
  kind: 'schedule' | 'trigger';
  name: string;
  workflow: string;
  labels: Record<string, string>;
  /** Of its runs, from 1 (goes first) to 5. */
  priority?: number | undefined;
  /** The right to act for who applied it. */
  grant: string;
  principalName: string;
}

/** What became of a start: its run as UUID, or why there is none and will be none. */
export type Ignited = { outcome: 'started'; run: string } | { outcome: 'failed'; reason: string };

/** Faults after which the same start may work in a moment; what nobody expected too. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'limited', 'timeout', 'cancelled', 'internal']);

/** Starts runs for schedules and triggers, as those who applied them. */
@Injectable()
export class Ignition {
  constructor(
    private readonly bus: Bus,
    private readonly starter: RunStarter,
    private readonly workflows: WorkflowStore,
  ) {}

  /**
   * Starts the run of one moment or event, or finds the one that was started for it: `key` names it within the source. Throws where it should
   * be tried again.
   */
  async ignite(source: Source, key: string, input: () => Json): Promise<Ignited> {
    const life = new CallLife(now() + startMs);
    try {
      const caller = await this.callerOf(source);
      requirePermission(caller, 'runs:write');
      const by = { key: `${source.kind}:${source.id}:${key}`, grant: source.grant };
      return { outcome: 'started', run: (await this.start(source, caller, input, by, life)).uuid };
    } catch (thrown) {
      const fault = Fault.from(thrown);
      // That goes on for as long as other runs do: what else is to be started does not wait for it.
      if (passing.has(fault.code) && !(thrown instanceof StartRefused)) throw thrown;
      return { outcome: 'failed', reason: `${fault.detail}. ${fault.next}` };
    } finally {
      life.done();
    }
  }

  /** What a person's start of a source is known by. */
  async keyOf(source: Source, caller: Caller, idempotencyKey: string): Promise<{ key: string; grant: string }> {
    const key = `${source.kind}:${source.id}:manual:${caller.principal} ${idempotencyKey}`;
    return { key, grant: await this.starter.grantOf(caller) };
  }

  /** Starts a run of a source as somebody. */
  async start(source: Source, caller: Caller, input: () => Json, by: StartWish['source'], life: CallLife): ReturnType<RunStarter['start']> {
    const { workspace, workflow, labels, priority, kind, name } = source;
    const startable = await this.workflows.startable(workspace, workflow);
    if (!startable) throw unknownWorkflow(workflow);
    const wish = { workflow, ...startable, input: computed(input), labels: { ...labels, [kind]: name }, priority, source: by };
    return this.starter.start(caller, wish, life);
  }

  /** Who applied it, with the rights that one has now. `forbidden`, saying what to do, when there are none any more. */
  async callerOf({ grant, kind, principalName }: Source): Promise<Caller> {
    try {
      return await this.bus.as(grant);
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'unauthenticated') throw thrown;
      throw new Fault(
        'forbidden',
        `${principalName}, who applied this ${kind}, may not act any more: the principal is disabled or the key was revoked`,
        `Apply the ${kind} again with a key that may start runs, or enable the principal.`,
        { cause: thrown },
      );
    }
  }
}

/** Whether applying the same manifest again is a change: its runs get the rights of another, or new ones after they failed to start. */
export function needsRights({ appliedBy, last }: { appliedBy: string; last: { outcome: string } | null }, caller: string): boolean {
  return appliedBy !== caller || last?.outcome === 'failed';
}

/** The input. `invalid` where an expression of it cannot be computed. */
function computed(input: () => Json): Json {
  try {
    return input();
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    throw new Fault('invalid', `${thrown.pointer}: ${thrown.message}`, 'Correct the expression and apply it again.', {
      errors: [{ pointer: thrown.pointer, detail: thrown.message }],
      cause: thrown,
    });
  }
}
