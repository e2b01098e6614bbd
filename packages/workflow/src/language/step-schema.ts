import { Fault } from '@signalbox/shared/errors/fault.js';
import { ExpressionError } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import { checkInputSchema } from './input-schema.ts';

/** The JSON Schema that a step gives. Throws `ExpressionError` where it is none. */
export function checkedSchema<T extends Record<string, Json> | undefined>(schema: T, pointer: string): T {
  try {
    checkInputSchema(schema, pointer);
    return schema;
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'invalid') throw thrown;
    throw new ExpressionError(thrown.errors?.[0]?.detail ?? thrown.detail, pointer);
  }
}
