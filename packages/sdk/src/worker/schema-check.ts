import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonSchema } from '../client/schema.ts';

/** Says what is wrong with a value in a sentence, or null. */
export type Check = (value: unknown) => string | null;

/** A sentence names at most this many faults. */
const faultsMax = 5;

/** Compiles a schema once; a schema that cannot be compiled fails at start, where its author sees it. */
export function checkOf(schema: JsonSchema | undefined, what: string): Check {
  if (schema === undefined) return () => null;
  let validate: ValidateFunction;
  try {
    validate = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  } catch (error) {
    throw new TypeError(`${what} is not a valid JSON Schema: ${(error as Error).message}`, { cause: error });
  }
  return (value) => {
    if (validate(value)) return null;
    return (validate.errors ?? [])
      .slice(0, faultsMax)
      .map((fault) => `${fault.instancePath || '/'} ${fault.message ?? 'is wrong'}`)
      .join('; ');
  };
}
