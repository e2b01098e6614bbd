import { namePattern } from '@signalbox/shared/ids/ids.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** What a model's id names: `agent/<name>`, one of its skills as `agent/<name>/<skill>`, or `workflow/<name>`. */
export type ModelTarget = { kind: 'agent'; name: string; skill?: string } | { kind: 'workflow'; name: string };

const skillMaxLength = 128;

/** `not_found` for what names neither an agent nor a workflow. */
export function parseModelId(id: string): ModelTarget {
  const [kind, name = '', ...rest] = id.split('/');
  const skill = rest.join('/');
  if (namePattern.test(name)) {
    if (kind === 'workflow' && rest.length === 0) return { kind, name };
    if (kind === 'agent' && skill.length <= skillMaxLength) return { kind, name, ...(skill !== '' && { skill }) };
  }
  throw unknownModel(id);
}

export function unknownModel(id: string): Fault {
  return new Fault(
    'not_found',
    `there is no model ${id.slice(0, 160)}`,
    'GET /v1/models lists what there is: agent/<name> and workflow/<name>.',
    { errors: [{ pointer: '/model', detail: 'is not known' }] },
  );
}
