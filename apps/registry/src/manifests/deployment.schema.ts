import { argumentSchema, environmentSchema, metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

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

const dependencyName = {
  type: 'string',
  maxLength: 128,
  description: 'Another agent or member of this deployment, `service:bus`, `service:database`, `service:NAME`, or `mcp-server:NAME`.',
};

const dependsOn = {
  type: 'array',
  maxItems: 100,
  uniqueItems: true,
  items: {
    description: 'What it waits for, by name, or as an object with how it lives without that once it is up.',
    oneOf: [
      dependencyName,
      {
        type: 'object',
        properties: {
          name: dependencyName,
          whenMissing: {
            enum: ['wait', 'degrade', 'stop'],
            description:
              'Once it is up and this is not there: it stays as it is (`wait`, if absent), it goes on and is shown as degraded (`degrade`), or it gets no work until this is there again (`stop`, of agents).',
          },
        },
        required: ['name'],
        additionalProperties: false,
      },
    ],
  },
};

const agent = {
  type: 'object',
  properties: {
    name: nameSchema,
    agent: { ...nameSchema, description: 'Name of the registered agent; the same as `name` if absent.' },
    dependsOn,
    estimateDays: estimate,
    importance,
    steps: { type: 'array', minItems: 1, maxItems: 20, items: step },
  },
  required: ['name'],
  additionalProperties: false,
};

const member = {
  type: 'object',
  description: 'What is no agent and belongs to the deployment all the same. Others can depend on it, and it on them.',
  properties: {
    kind: { enum: ['mcp-server', 'workflow', 'secret', 'context-store', 'migration'] },
    name: nameSchema,
    ref: { ...nameSchema, description: 'Name of the MCP server, workflow or secret; the same as `name` if absent.' },
    dependsOn,
    estimateDays: estimate,
    importance,
    steps: { type: 'array', minItems: 1, maxItems: 20, items: step },
    tools: {
      type: 'array',
      minItems: 1,
      maxItems: 500,
      uniqueItems: true,
      items: { type: 'string', minLength: 1, maxLength: 256 },
      description: 'For `mcp-server`: tools that it must list.',
    },
    hash: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', description: 'For `workflow`: the hash that must be applied; absent: any.' },
    scope: {
      type: 'string',
      pattern: '^(?:workspace|agent:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$',
      description: 'For `context-store`: whose shared state must be readable; `workspace` if absent.',
    },
    command: {
      type: 'array',
      minItems: 1,
      maxItems: 64,
      items: argumentSchema,
      description:
        'For `migration`: program and arguments, run once by the local runner (an administrator names it); absent: its step is reported.',
    },
    cwd: { ...argumentSchema, description: "Folder of the command; relative to the registry's `RUNNER_CWD`." },
    env: environmentSchema,
    timeoutMs: {
      type: 'integer',
      minimum: 1_000,
      maximum: 86_400_000,
      description: 'How long the command may take; 10 minutes if absent.',
    },
  },
  required: ['kind', 'name'],
  additionalProperties: false,
};

/** More agents and members than this belong into several deployments: their board must fit into one message. */
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
        members: { type: 'array', minItems: 1, maxItems: deploymentAgentsMax, items: member },
      },
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
