import { caseNameSchema, gradersSchema } from './graders.schema.ts';
import { metadataSchema, schemaHead } from './schema-parts.ts';

const duration = {
  anyOf: [
    { type: 'string', pattern: '^[1-9]\\d{0,8}(?:ms|s|m|h|d)$' },
    { type: 'integer', minimum: 1 },
  ],
};
const amounts = {
  type: 'object',
  minProperties: 1,
  properties: { tokens: { type: 'integer', minimum: 1 }, costUsd: { type: 'number', exclusiveMinimum: 0 } },
  additionalProperties: false,
};

/** The published JSON Schema of `kind: EvalSuite`. */
export const evalSuiteSchema = {
  ...schemaHead('eval-suite', 'Cases and graders: what an agent is to be good at, and how that is told.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'EvalSuite' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        skill: { type: 'string', minLength: 1, maxLength: 128, description: "The skill that is called; absent: the agent's only one." },
        cases: {
          type: 'array',
          minItems: 1,
          maxItems: 1_000,
          items: {
            type: 'object',
            properties: {
              name: { ...caseNameSchema, description: '`case-1` and so on if absent.' },
              input: { description: 'What the agent is asked: any JSON value, `{}` if absent.' },
              expected: { description: 'What graders compare with: any JSON value.' },
              labels: { type: 'object', maxProperties: 16, additionalProperties: { type: 'string', maxLength: 256 } },
            },
            additionalProperties: false,
          },
        },
        graders: gradersSchema,
        recorded: {
          type: 'object',
          description:
            'In place of cases: what the agent was asked in runs. It is asked that again, and both answers are graded; or whole runs are done again with it.',
          properties: {
            calls: { type: 'integer', minimum: 5, maximum: 500, description: 'The newest so many; 50 if absent.' },
            runs: {
              type: 'integer',
              minimum: 5,
              maximum: 200,
              description:
                'In place of calls: the newest so many runs, done again with all but the agent answering as recorded; what they give is graded.',
            },
            onDivergence: {
              enum: ['end', 'reuse'],
              description:
                'Of a run that asks somebody else what is not recorded. `end` if absent: it is counted, and not graded. `reuse`: what was answered to the same step is the answer, which is approximate.',
            },
            days: { type: 'integer', minimum: 1, maximum: 30, description: 'Not older than so many days; 7 if absent.' },
            repeatable: {
              const: true,
              description: 'Calling the agent again changes nothing outside; needed unless it is a model without tools.',
            },
          },
          additionalProperties: false,
        },
        passScore: { type: 'number', minimum: 0, maximum: 1, description: 'The least score of an attempt that passes; 1 if absent.' },
        repeats: { type: 'integer', minimum: 1, maximum: 20, description: 'How often each case is put; 1 if absent.' },
        maxParallel: { type: 'integer', minimum: 1, maximum: 100, description: 'Calls under way at once; 8 if absent.' },
        timeout: { ...duration, description: 'Of one call, as `2m`; 15 minutes if absent.' },
        totalTimeout: { ...duration, description: 'Of the whole eval; a day if absent.' },
        confidence: { enum: [0.9, 0.95, 0.99], description: 'How sure intervals are; 0.95 if absent.' },
        budget: { ...amounts, description: 'What all calls, those of graders included, may use together.' },
        usesAtMost: { ...amounts, description: 'What one call uses at most: needed for what the budget limits.' },
      },
      required: ['graders'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
