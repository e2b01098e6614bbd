import { containmentLevels } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { callTimeoutMaxMs } from '@signalbox/shared/contracts/mcp-server/call-tool.js';

const nameSchema = { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$' } as const;
const text = { type: 'string', maxLength: 4_096, pattern: '^[^\\u0000]*$' } as const;
const path = { ...text, minLength: 1 } as const;

const common = {
  startTimeoutMs: {
    type: 'integer',
    minimum: 100,
    maximum: 300_000,
    description: 'From its start to its list of tools; 20,000 if absent.',
  },
  callTimeoutMs: { type: 'integer', minimum: 1, maximum: callTimeoutMaxMs, description: 'Of one call; 60,000 if absent.' },
  restart: {
    type: 'object',
    description: 'How it is started again when it ends.',
    properties: {
      initialMs: { type: 'integer', minimum: 10, maximum: 60_000, description: 'The first pause; each further one doubles.' },
      maxMs: { type: 'integer', minimum: 10, maximum: 3_600_000, description: 'The longest pause.' },
      crashesMax: { type: 'integer', minimum: 0, maximum: 100, description: 'So many ends within `withinMs` give it up; 0: never.' },
      withinMs: { type: 'integer', minimum: 1_000, maximum: 3_600_000 },
    },
    additionalProperties: false,
  },
} as const;

/** A server that runs as a child process. */
export const stdioSchema = {
  type: 'object',
  properties: {
    transport: { const: 'stdio' },
    command: {
      type: 'array',
      minItems: 1,
      maxItems: 64,
      items: text,
      description: 'Program and arguments; no shell reads them. `${state}` in them is the folder of the server. An administrator names it.',
    },
    env: {
      type: 'object',
      maxProperties: 64,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' },
      additionalProperties: text,
      description:
        'All of its environment but PATH, HOME and the language. `${state}` is the folder of the server, `secret://NAME` the value of a secret.',
    },
    cwd: {
      ...path,
      description:
        "Its working directory, relative to the service's `COMMAND_CWD`, which is the default. To read what is there, it needs a root.",
    },
    roots: {
      type: 'array',
      maxItems: 32,
      items: {
        oneOf: [
          path,
          {
            type: 'object',
            properties: { path, access: { enum: ['read', 'write'] } },
            required: ['path', 'access'],
            additionalProperties: false,
          },
        ],
      },
      description: 'Folders that it is told of (MCP roots) and that it may read, or write with `access: write`.',
    },
    network: {
      type: 'boolean',
      description: 'Whether it may use the network; it may not if absent. With it, containment is at most `medium`.',
    },
    containment: { enum: containmentLevels, description: 'It is not started below this level.' },
    ...common,
  },
  required: ['transport', 'command'],
  additionalProperties: false,
} as const;

/** A server elsewhere, by streamable HTTP. */
export const httpSchema = {
  type: 'object',
  properties: {
    transport: { const: 'streamable-http' },
    url: { type: 'string', maxLength: 2_048, pattern: '^https?://[^\\s]+$' },
    headers: {
      type: 'object',
      maxProperties: 32,
      propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$" },
      additionalProperties: { type: 'string', maxLength: 8_192, pattern: '^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f]*$' },
      description: 'Sent with every request. `secret://NAME` in them is the value of a secret, as in `Bearer secret://NAME`.',
    },
    ...common,
  },
  required: ['transport', 'url'],
  additionalProperties: false,
} as const;

/** The published JSON Schema of `kind: McpServer`. */
export const mcpServerSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://signalbox.dev/schemas/v1/mcp-server.json',
  title: 'Signalbox mcp-server',
  description: 'An MCP server whose tools agents use: a child process that speaks on its input and output, or an address.',
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'McpServer' },
    metadata: {
      type: 'object',
      properties: {
        name: nameSchema,
        labels: {
          type: 'object',
          maxProperties: 64,
          propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$' },
          additionalProperties: { type: 'string', maxLength: 256 },
        },
        description: { type: 'string', maxLength: 4_096 },
      },
      required: ['name'],
      additionalProperties: false,
    },
    spec: {
      type: 'object',
      required: ['transport'],
      properties: { transport: { enum: ['stdio', 'streamable-http'] } },
      oneOf: [stdioSchema, httpSchema],
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
