import { roles } from '@signalbox/shared/identity/roles.js';
import { metricPattern } from '@signalbox/shared/contracts/registry/metric-name.js';
import { stages } from '@signalbox/shared/contracts/registry/stage.js';
import { metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

/** One metric, and what it must reach. */
export const metricSchema = {
  type: 'object',
  description: 'What one metric must reach; all that is said must hold.',
  properties: {
    metric: { type: 'string', pattern: metricPattern.source, description: 'As `tests.unit.passRate`.' },
    min: { type: 'number' },
    max: { type: 'number' },
    maxRise: {
      type: 'number',
      minimum: 0,
      description: 'How far it may lie above that of the version at the stage now, as a share of it: 0.1 is a tenth.',
    },
    maxFall: { type: 'number', minimum: 0, maximum: 1, description: 'How far it may lie below, likewise.' },
    slack: {
      type: 'number',
      minimum: 0,
      description: "Beside maxRise and maxFall: a difference that means nothing, in the metric's own unit.",
    },
  },
  required: ['metric'],
  minProperties: 2,
  additionalProperties: false,
};

/** The published JSON Schema of `kind: Gate`. */
export const gateSchema = {
  ...schemaHead('gate', 'What a version of an agent needs to get to a stage.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'Gate' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        stages: { type: 'array', minItems: 1, uniqueItems: true, items: { enum: stages } },
        agents: { type: 'array', minItems: 1, maxItems: 500, uniqueItems: true, items: nameSchema, description: 'Absent: every agent.' },
        replaces: { ...nameSchema, description: 'The gate that it stands in for, where it applies.' },
        metrics: { type: 'array', maxItems: 20, items: metricSchema, description: 'None: nothing is asked for.' },
        approvals: {
          type: 'object',
          properties: {
            count: { type: 'integer', minimum: 1, maximum: 10 },
            roles: { type: 'array', minItems: 1, uniqueItems: true, items: { enum: roles } },
          },
          required: ['count', 'roles'],
          additionalProperties: false,
        },
        evidenceDays: { type: 'integer', minimum: 1, maximum: 365, description: 'How old evidence and approvals may be; 30 if absent.' },
      },
      required: ['stages', 'metrics'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
