import { metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

const estimate = {
  type: 'array',
  description: 'Days (of 24 hours) of work: low and high.',
  minItems: 2,
  maxItems: 2,
  items: { type: 'number', minimum: 0, maximum: 3_650 },
};

const importance = { enum: ['critical', 'high', 'medium', 'low'] };

const step = {
  type: 'object',
  properties: {
    name: nameSchema,
    source: {
      enum: ['runner', 'probe', 'contract-test', 'traffic', 'reported'],
      description: 'Who says that it is done. `reported` (default): CI or a person.',
    },
    weight: { type: 'number', exclusiveMinimum: 0, maximum: 1_000, description: 'Its part of the progress; 1 if absent.' },
    estimate,
    share: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      description: 'For `traffic`: the share of calls that must succeed; 0.95 if absent.',
    },
    calls: { type: 'integer', minimum: 1, maximum: 10_000, description: 'For `traffic`: over how many calls; 20 if absent.' },
    call: {
      type: 'object',
      description: 'For `contract-test`: one harmless call whose answer must fit the skill. Without it only schemas are compared.',
      properties: { skill: { type: 'string', minLength: 1, maxLength: 128 }, input: {} },
      required: ['skill'],
      additionalProperties: false,
    },
  },
  required: ['name'],
  additionalProperties: false,
};

const agent = {
  type: 'object',
  properties: {
    name: nameSchema,
    agent: { ...nameSchema, description: 'Name of the registered agent; the same as `name` if absent.' },
    dependsOn: {
      type: 'array',
      maxItems: 100,
      uniqueItems: true,
      items: {
        type: 'string',
        maxLength: 128,
        description: 'Another agent of this deployment, `service:bus`, `service:database`, `service:NAME`, or `mcp-server:NAME`.',
      },
    },
    estimateDays: estimate,
    importance,
    steps: { type: 'array', minItems: 1, maxItems: 20, items: step },
  },
  required: ['name'],
  additionalProperties: false,
};

/** More agents than this belong into several deployments: their board must fit into one message. */
export const deploymentAgentsMax = 500;

/** The published JSON Schema of `kind: Deployment`. */
export const deploymentSchema = {
  ...schemaHead('deployment', 'A set of agents with dependencies, brought up in order.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'Deployment' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        priority: importance,
        owner: { type: 'string', minLength: 1, maxLength: 128 },
        stage: { enum: ['integration', 'staging', 'production', 'full-access'] },
        agents: { type: 'array', minItems: 1, maxItems: deploymentAgentsMax, items: agent },
      },
      required: ['agents'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
