import { severities } from '@signalbox/shared/contracts/registry/incident.js';
import { policyDefaults, weekDays } from '../recovery/policy.ts';

const who = { type: 'string', minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f]+$' };
const timeOfDay = { type: 'string', pattern: '^(?:[01][0-9]|2[0-3]):[0-5][0-9]$' };
const d = policyDefaults;

/** `spec.recovery` of an agent: what is done when something is the matter with it. */
export const recoverySchema = {
  type: 'object',
  description: 'What is done by itself when something is the matter with an instance, and who is told.',
  properties: {
    isolate: { enum: ['auto', 'manual'], description: '`auto` (default): bad instances are isolated; `manual`: that is only told.' },
    errorShare: {
      type: 'number',
      minimum: 0.01,
      maximum: 1,
      description: `Share of failed tasks that isolates an instance; ${d.errorShare}.`,
    },
    slowFactor: {
      type: 'number',
      minimum: 1.5,
      maximum: 1_000,
      description: `So many times slower than the others isolates it; ${d.slowFactor}.`,
    },
    calls: { type: 'integer', minimum: 2, maximum: 1_000, description: `Tasks within 30 s before an instance is judged; ${d.calls}.` },
    isolatedShare: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      description: `Of the instances at most this share is isolated by itself; ${d.isolatedShare}.`,
    },
    trialAfterMs: {
      type: 'integer',
      minimum: 100,
      maximum: 3_600_000,
      description: `How long an instance is isolated before it is tried, doubled each time; ${d.trialAfterMs}.`,
    },
    trialCalls: { type: 'integer', minimum: 1, maximum: 1_000, description: `Tasks that must succeed in a trial; ${d.trialCalls}.` },
    attempts: { type: 'integer', minimum: 1, maximum: 100, description: `Attempts before a person has to go on; ${d.attempts}.` },
    rollback: {
      type: 'boolean',
      description:
        'Whether a version that is current for less than a day goes back to what was current before when its processes do not stay up; true.',
    },
    owner: { ...who, description: 'Whose incidents these are.' },
    severity: { enum: severities, description: 'Of its incidents; by what is wrong if absent.' },
    runbook: { type: 'string', pattern: '^https?://[^\\s]+$', maxLength: 2_048, description: 'What people should read first.' },
    remindMs: {
      type: 'integer',
      minimum: 1_000,
      maximum: 604_800_000,
      description: `An incident is told again after this until it is acknowledged; ${d.remindMs}.`,
    },
    onCall: {
      type: 'array',
      maxItems: 50,
      description: 'Who is on call when, in UTC: the first shift that fits.',
      items: {
        type: 'object',
        properties: {
          who,
          days: { type: 'array', minItems: 1, maxItems: 7, uniqueItems: true, items: { enum: weekDays } },
          from: timeOfDay,
          to: timeOfDay,
        },
        required: ['who'],
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
} as const;
