import { kpiNames } from '@signalbox/shared/contracts/registry/kpi-names.js';
import { metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

/** The published JSON Schema of `kind: Objective`. */
export const objectiveSchema = {
  ...schemaHead('objective', 'What a KPI of the workspace, or of one agent, is to be.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'Objective' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        kpi: { enum: kpiNames },
        agent: { ...nameSchema, description: 'Absent: the whole workspace.' },
        target: {
          type: 'number',
          minimum: 0,
          description:
            'Milliseconds, a ratio, or a share from 0 to 1: at least this of what is good (availability, services), at most of all others.',
        },
        within: {
          type: 'number',
          minimum: 0.5,
          maximum: 0.99999,
          description:
            'Of what has a duration or a ratio: the share that must lie within the target, the rest is the error budget; 0.95 if absent.',
        },
      },
      required: ['kpi', 'target'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
