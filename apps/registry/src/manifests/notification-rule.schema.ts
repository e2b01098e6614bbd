import { severities } from '@signalbox/shared/contracts/registry/incident.js';
import { digestSections, groupKeys } from '../notifications/rule-spec.ts';
import { weekDays } from '../recovery/policy.ts';
import { metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

const timeZone = { type: 'string', maxLength: 64, description: 'As Europe/Berlin; UTC if absent.' };
const time = { type: 'string', pattern: '^(?:[01]\\d|2[0-3]):[0-5]\\d$' };
const cron = { type: 'string', maxLength: 100, description: 'Five fields: minute hour day month weekday.' };
const evenIfEmpty = { type: 'boolean', description: 'Whether one is sent that has nothing to say; false if absent.' };

/** The published JSON Schema of `kind: NotificationRule`. */
export const notificationRuleSchema = {
  ...schemaHead('notification-rule', 'What is told to which channels, and when.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'NotificationRule' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        channels: { type: 'array', minItems: 1, maxItems: 10, uniqueItems: true, items: nameSchema },
        events: {
          type: 'array',
          minItems: 1,
          maxItems: 50,
          uniqueItems: true,
          items: { type: 'string', maxLength: 64 },
          description: 'As `incident.escalated`, or all of a kind: `incident.*`.',
        },
        digest: {
          type: 'object',
          description: 'What happened since the last one.',
          properties: {
            cron: { ...cron, description: `${cron.description} 09:00 each day if absent.` },
            timeZone,
            sections: { type: 'array', minItems: 1, uniqueItems: true, items: { enum: digestSections }, description: 'All if absent.' },
            evenIfEmpty,
          },
          additionalProperties: false,
        },
        review: {
          type: 'object',
          description: 'Agents that changed since somebody signed them off.',
          properties: { cron: { ...cron, description: `${cron.description} Mondays at 09:00 if absent.` }, timeZone, evenIfEmpty },
          additionalProperties: false,
        },
        minSeverity: { enum: severities, description: 'With events: nothing below it.' },
        agents: { type: 'array', minItems: 1, maxItems: 500, uniqueItems: true, items: nameSchema, description: 'Of these alone.' },
        people: {
          type: 'array',
          minItems: 1,
          maxItems: 50,
          uniqueItems: true,
          items: { type: 'string', minLength: 1, maxLength: 200 },
          description: 'Of incidents that one of these looks after alone: who is on call, else the owner.',
        },
        labels: {
          type: 'object',
          minProperties: 1,
          maxProperties: 16,
          additionalProperties: { type: 'string', maxLength: 256 },
          description: 'Of agents with all of these labels alone.',
        },
        group: {
          type: 'object',
          description: 'What comes within a time is one message.',
          properties: {
            by: { enum: groupKeys, description: 'subject if absent.' },
            windowMs: { type: 'integer', minimum: 0, maximum: 86_400_000, description: '10000 if absent; 0: each event by itself.' },
          },
          additionalProperties: false,
        },
        rate: {
          type: 'object',
          description: 'To each channel; what is beyond goes together, when there is room again. 60 an hour if absent.',
          properties: {
            max: { type: 'integer', minimum: 1, maximum: 1_000 },
            perMs: { type: 'integer', minimum: 1_000, maximum: 86_400_000 },
          },
          required: ['max', 'perMs'],
          additionalProperties: false,
        },
        quietHours: {
          type: 'array',
          minItems: 1,
          maxItems: 10,
          items: {
            type: 'object',
            properties: {
              from: time,
              to: { ...time, description: 'Not after `from`: on the next day.' },
              days: {
                type: 'array',
                minItems: 1,
                uniqueItems: true,
                items: { enum: weekDays },
                description: 'On which they begin; each if absent.',
              },
              timeZone,
              critical: { enum: ['through', 'wait'], description: 'What is critical goes through if absent.' },
            },
            required: ['from', 'to'],
            additionalProperties: false,
          },
        },
      },
      required: ['channels'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
