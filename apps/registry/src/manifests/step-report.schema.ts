import { metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

/** The published JSON Schema of `kind: StepReport`. */
export const stepReportSchema = {
  ...schemaHead('step-report', 'What CI or a person says of one step of a deployment.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'StepReport' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        deployment: nameSchema,
        agent: { ...nameSchema, description: "The agent's name in the deployment." },
        step: nameSchema,
        state: { enum: ['begun', 'done', 'failed'] },
        note: { type: 'string', maxLength: 1_000 },
      },
      required: ['deployment', 'agent', 'step', 'state'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
