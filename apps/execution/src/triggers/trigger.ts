import type { RunStatus } from '@signalbox/shared/contracts/execution/run-view.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { compiled } from '../schedules/schedule.ts';
import { compileCondition, compileTemplate } from '@signalbox/workflow/language/template.js';

/** How a sender signs what it posts to a hook. */
export type SignatureKind = 'signalbox' | 'github';

/** Events of Signalbox that triggers hear: none that a run itself makes, which would go in circles. */
export type HeardEvent =
  | 'deployment.changed'
  | 'agent.changed'
  | 'stage.changed'
  | 'rollout.changed'
  | 'eval.ended'
  | 'incident.changed'
  | 'kpi.changed'
  | 'mcp-server.changed';

/** A trigger as a person writes it; `trigger.schema.json` says what is allowed. */
export interface TriggerManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Trigger';
  metadata: { name: string; labels?: Record<string, string>; description?: string };
  spec: {
    workflow: string;
    /** From 1 (goes first) to 5. */
    priority?: number;
    input?: Json;
    if?: string;
    on: {
      webhook?: { secret: string; signature?: SignatureKind; ratePerMinute?: number };
      runEnded?: { workflow: string; status?: RunStatus[] };
      event?: { type: HeardEvent; ratePerMinute?: number };
    };
  };
}

/** What a trigger does with an event, ready to be done. */
export interface Trigger {
  /** Whether the event is one that it starts a run for. Throws `ExpressionError`. */
  takes: (event: Json) => boolean;
  input: (event: Json) => Json;
}

/** A manifest that satisfies the schema, compiled. `invalid`, naming the place of an expression that cannot be read. */
export function triggerOf({ spec }: TriggerManifest): Trigger {
  return compiled(() => {
    const input = compileTemplate(spec.input ?? {}, '/spec/input', undefined, 'trigger');
    const condition = spec.if === undefined ? undefined : compileCondition(spec.if, '/spec/if', 'trigger');
    return {
      takes: (event) => condition === undefined || condition.compute({ event }) === true,
      input: (event) => input.compute({ event }),
    };
  });
}
