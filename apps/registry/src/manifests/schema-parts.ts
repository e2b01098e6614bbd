/** A DNS label, as `namePattern` of the identifiers. */
export const nameSchema = { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$' } as const;

/** Labels of a manifest, or of a run. */
export const labelsSchema = {
  type: 'object',
  maxProperties: 64,
  propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$' },
  additionalProperties: { type: 'string', maxLength: 256 },
} as const;

/** `metadata` of every manifest. */
export const metadataSchema = {
  type: 'object',
  properties: {
    name: nameSchema,
    labels: labelsSchema,
    description: { type: 'string', maxLength: 4_096 },
  },
  required: ['name'],
  additionalProperties: false,
} as const;

/** One argument of a command, a folder or the like. */
export const argumentSchema = { type: 'string', minLength: 1, maxLength: 4_096, pattern: '^[^\\u0000]*$' } as const;

/** Variables of a process that the local runner starts. */
export const environmentSchema = {
  type: 'object',
  maxProperties: 64,
  propertyNames: { pattern: '^[A-Z][A-Z0-9_]{0,63}$' },
  additionalProperties: { type: 'string', maxLength: 4_096, pattern: '^[^\\u0000]*$' },
  description:
    'Variables beside those that Signalbox sets; the rest of the environment is empty. `secret://NAME` is the value of a secret.',
} as const;

/** The opening keywords of a published schema. */
export function schemaHead(name: string, description: string): { $schema: string; $id: string; title: string; description: string } {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `https://signalbox.dev/schemas/v1/${name}.json`,
    title: `Signalbox ${name}`,
    description,
  };
}
