import { recoverySchema } from './recovery.schema.ts';
import { rolloutSchema } from './rollout.schema.ts';
import { argumentSchema, environmentSchema, metadataSchema, nameSchema, schemaHead } from './schema-parts.ts';

const skill = {
  type: 'object',
  description: 'Something that the agent says it can do.',
  properties: {
    name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' },
    description: { type: 'string', minLength: 1, maxLength: 4_096 },
    inputSchema: { type: 'object', description: 'JSON Schema of the input; references only within itself.' },
    outputSchema: { type: 'object', description: 'JSON Schema of the output.' },
  },
  required: ['name', 'description'],
  additionalProperties: false,
};

const mcp = {
  type: 'object',
  description: 'For kind `mcp`: the agent is an MCP server, or some of its tools; each of them is a skill.',
  properties: {
    server: { ...nameSchema, description: 'Name of the registered MCP server.' },
    tools: { type: 'array', minItems: 1, maxItems: 500, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 256 } },
  },
  required: ['server'],
  additionalProperties: false,
};

const worker = {
  type: 'object',
  description: 'For kind `worker`: a process of yours that dials the gateway and takes tasks.',
  properties: {
    runner: {
      enum: ['local', 'external'],
      description: '`local`: Signalbox starts `command` (an administrator names it); `external` (default): somebody else starts it.',
    },
    command: {
      type: 'array',
      minItems: 1,
      maxItems: 64,
      items: argumentSchema,
      description: 'Program and arguments; no shell reads them.',
    },
    cwd: { ...argumentSchema, description: "Folder of the process; relative to the registry's `RUNNER_CWD`." },
    env: environmentSchema,
    replicas: { type: 'integer', minimum: 1, maximum: 64, description: 'Processes to keep up; 1 if absent.' },
    autoscale: {
      type: 'object',
      description:
        'In place of `replicas`: as many processes as what waits for them asks for. With the runner `external`, what others scale by.',
      properties: {
        min: { type: 'integer', minimum: 1, maximum: 64 },
        max: { type: 'integer', minimum: 1, maximum: 64 },
        targetQueue: {
          type: 'integer',
          minimum: 1,
          maximum: 10_000,
          description: 'Tasks that one process should have, waiting and in hand; its concurrency if absent.',
        },
        targetLatencyMs: { type: 'integer', minimum: 100, maximum: 86_400_000, description: 'No task should wait longer for a process.' },
        upAfterMs: {
          type: 'integer',
          minimum: 0,
          maximum: 600_000,
          description: 'More are wanted for so long before there are more; 3 s if absent.',
        },
        downAfterMs: {
          type: 'integer',
          minimum: 0,
          maximum: 3_600_000,
          description: 'Fewer are wanted for so long before there are fewer; 60 s if absent.',
        },
        drainMs: {
          type: 'integer',
          minimum: 0,
          maximum: 3_600_000,
          description: 'How long a process may finish what it has in hand; 60 s if absent.',
        },
      },
      required: ['min', 'max'],
      additionalProperties: false,
    },
    concurrency: { type: 'integer', minimum: 1, maximum: 1_000, description: 'Tasks that one process takes at once.' },
  },
  additionalProperties: false,
};

const llm = {
  type: 'object',
  description: 'For kind `llm`: a model behind an OpenAI-compatible endpoint, with tools.',
  properties: {
    provider: {
      type: 'object',
      properties: {
        baseUrl: { type: 'string', pattern: '^https?://[^\\s]+$', maxLength: 2_048 },
        apiKey: {
          type: 'string',
          pattern: '^(env|secret://[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$',
          description: "`secret://NAME`, or `env` for the key in protocol's own configuration. Never the key itself.",
        },
      },
      additionalProperties: false,
    },
    model: { type: 'string', minLength: 1, maxLength: 256 },
    system: { type: 'string', maxLength: 65_536 },
    tools: {
      type: 'array',
      maxItems: 128,
      uniqueItems: true,
      items: { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/[^/\\s]{1,256}$' },
      description: 'Tools that the model may call, as `server/tool`.',
    },
    maxTurns: { type: 'integer', minimum: 1, maximum: 100 },
    maxTokens: { type: 'integer', minimum: 1, maximum: 1_000_000 },
  },
  required: ['model'],
  additionalProperties: false,
};

const http = {
  type: 'object',
  description: 'For kind `http`: an endpoint that takes the input as a JSON body and answers the output.',
  properties: {
    url: { type: 'string', pattern: '^https?://[^\\s]+$', maxLength: 2_048 },
    headers: {
      type: 'object',
      maxProperties: 64,
      propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$" },
      additionalProperties: { type: 'string', maxLength: 8_192, pattern: '^[^\\u0000-\\u001f]*$' },
      description: 'Sent with every call. `secret://NAME` in them is the value of a secret, as in `Bearer secret://NAME`.',
    },
  },
  required: ['url'],
  additionalProperties: false,
};

/** The published JSON Schema of `kind: Agent`. */
export const agentSchema = {
  ...schemaHead('agent', 'An agent: something that can be invoked with an input and gives an output.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'Agent' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        kind: { enum: ['mcp', 'worker', 'llm', 'http'] },
        description: { type: 'string', maxLength: 4_096 },
        skills: { type: 'array', maxItems: 200, items: skill },
        mcp,
        worker,
        llm,
        http,
        concurrency: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Tasks of this agent at once, over all instances.' },
        timeoutMs: { type: 'integer', minimum: 1, maximum: 86_400_000, description: 'Of one task, unless the step says otherwise.' },
        recovery: recoverySchema,
        rollout: rolloutSchema,
      },
      required: ['kind'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
