import type { Trigger, TriggerSpec } from '@signalbox/sdk/client/triggers.js';
import { parseJson } from './json.ts';

type Heard = Required<TriggerSpec['on']>;
export type EndStatus = NonNullable<Heard['runEnded']['status']>[number];
export type HeardEvent = Heard['event']['type'];

/** What can change, as the form says it. */
export const heardEvents: Record<HeardEvent, string> = {
  'deployment.changed': 'a deployment',
  'agent.changed': 'an agent',
  'stage.changed': 'the stage of an agent',
  'rollout.changed': 'a rollout',
  'eval.ended': 'an eval ends',
  'incident.changed': 'an incident',
  'kpi.changed': 'an error budget burns',
  'mcp-server.changed': 'an MCP server',
};

export type SignatureKind = NonNullable<Heard['webhook']['signature']>;

/** What a trigger's form holds, as it was typed. */
export interface TriggerDraft {
  name: string;
  description: string;
  workflow: string;
  kind: Trigger['kind'];
  /** Name of the secret that a hook's calls are signed with. */
  secret: string;
  signature: SignatureKind;
  /** The workflow whose runs' ends are heard. */
  watched: string;
  /** None: however they end. */
  statuses: readonly EndStatus[];
  event: HeardEvent;
  /** Empty: always. */
  condition: string;
  /** JSON; empty: nothing. */
  input: string;
}

/** What can be heard, in the order of its use. */
export const heard: readonly { kind: Trigger['kind']; about: string }[] = [
  { kind: 'webhook', about: 'somebody outside calls its hook' },
  { kind: 'runEnded', about: 'a run of another workflow ends' },
  { kind: 'event', about: 'something changes in Signalbox' },
];

export const endStatuses: readonly EndStatus[] = ['succeeded', 'failed', 'cancelled'];

/** What is typed into the form, as the fields of a specification; those of `kept` that the form does not show stay. */
export function triggerSpecOf(draft: TriggerDraft, kept: Partial<TriggerSpec> = {}): { spec: TriggerSpec } | { fault: string } {
  const { if: _, input: __, on = {}, ...rest } = kept;
  const input = draft.input.trim() === '' ? { value: undefined } : parseJson(draft.input);
  if ('fault' in input) return { fault: input.fault };
  const condition = draft.condition.trim();
  return {
    spec: {
      ...rest,
      workflow: draft.workflow,
      on: heardBy(draft, on),
      ...(condition !== '' && { if: condition }),
      ...(input.value !== undefined && { input: input.value }),
    },
  };
}

function heardBy({ kind, secret, signature, watched, statuses, event }: TriggerDraft, kept: TriggerSpec['on']): TriggerSpec['on'] {
  if (kind === 'webhook') return { webhook: { ...kept.webhook, secret: `secret://${secret.trim()}`, signature } };
  if (kind === 'event') return { event: { ...kept.event, type: event } };
  return { runEnded: { workflow: watched, ...(statuses.length > 0 && { status: [...statuses] }) } };
}

/** Whether all that must be said is. */
export function isComplete({ name, workflow, kind, secret, watched }: TriggerDraft): boolean {
  const isHeard = { webhook: secret.trim() !== '', runEnded: watched !== '', event: true }[kind];
  return name.trim() !== '' && workflow !== '' && isHeard;
}
