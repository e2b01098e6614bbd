import { nameSchema } from './schema-parts.ts';

export const caseNameSchema = { type: 'string', minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]*$' };
const graderBase = {
  name: { ...caseNameSchema, description: 'Its type if absent, or the agent that grades.' },
  weight: { type: 'number', exclusiveMinimum: 0, maximum: 1_000, description: 'Among the other graders; 1 if absent.' },
};
const path = {
  type: 'string',
  maxLength: 500,
  pattern: '^(?:/[^/]*)*$',
  description: 'JSON Pointer of the part of the answer that it looks at; absent: all of it.',
};
function grader(type: string, description: string, fields: Record<string, object>, required: string[]): object {
  return {
    if: { properties: { type: { const: type } }, required: ['type'] },
    then: {
      description,
      properties: { type: { const: type }, ...graderBase, ...fields },
      required: ['type', ...required],
      additionalProperties: false,
    },
  };
}

/** Graders of answers, as eval suites and rollouts have them. */
export const gradersSchema = {
  type: 'array',
  minItems: 1,
  maxItems: 10,
  items: {
    type: 'object',
    properties: { type: { enum: ['exact', 'schema', 'regex', 'cel', 'agent'] } },
    required: ['type'],
    allOf: [
      grader('exact', 'The answer is what the case expects.', { path }, []),
      grader('schema', 'The answer fits a JSON Schema.', { path, schema: { type: 'object' } }, ['schema']),
      grader(
        'regex',
        'The answer, a text or as JSON, matches an RE2 pattern.',
        { path, pattern: { type: 'string', minLength: 1, maxLength: 1_000 } },
        ['pattern'],
      ),
      grader(
        'cel',
        'A CEL expression over `input`, `output`, `expected` and `labels`: true, false, or a number from 0 to 1.',
        { expression: { type: 'string', minLength: 1, maxLength: 4_096 } },
        ['expression'],
      ),
      grader(
        'agent',
        'An agent is asked `{ input, output, expected, rubric }` and answers `{ score, reason }` or `{ pass, reason }`: code of a worker, or a model as judge.',
        {
          agent: nameSchema,
          skill: { type: 'string', minLength: 1, maxLength: 128 },
          rubric: { type: 'string', maxLength: 16_384 },
        },
        ['agent'],
      ),
    ],
  },
} as const;
