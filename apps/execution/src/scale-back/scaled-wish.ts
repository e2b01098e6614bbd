import { labelsMax, scaledBackLabel } from '@signalbox/shared/contracts/execution/start-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { InsteadOf } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';

/** What is asked for, and the smaller one that is to be started for it while capacity is short. */
export interface Wished {
  workflow: string;
  definition: Definition;
  input: Json;
  labels: Record<string, string>;
  smaller?: { definition: Definition; because: string } | undefined;
}

/** What is started for what is asked: the smaller workflow, where there is one and it takes the input. */
export function scaledWish({ workflow, definition, input, labels, smaller }: Wished): {
  workflow: string;
  definition: Definition;
  labels: Record<string, string>;
  insteadOf?: InsteadOf;
} {
  const asked = { workflow, definition, labels };
  if (smaller === undefined) return asked;
  const { name } = smaller.definition.manifest.metadata;
  try {
    checkInput(smaller.definition.manifest.spec.input, input);
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'invalid') throw thrown;
    log.warn('the smaller workflow does not take an input: the run gets what was asked for', { workflow, smaller: name, err: thrown });
    return asked;
  }
  const hasRoom = Object.keys(labels).length < labelsMax || scaledBackLabel in labels;
  return {
    workflow: name,
    definition: smaller.definition,
    labels: hasRoom ? { ...labels, [scaledBackLabel]: workflow } : labels,
    insteadOf: { workflow, because: smaller.because },
  };
}
