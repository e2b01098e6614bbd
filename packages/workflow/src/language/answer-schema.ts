import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Json } from '../core/json.ts';
import { linearRegExp } from './input-schema.ts';

const compiledMax = 500;
/** By the schema itself: an agent's is one object for as long as the agent is known. */
let compiled = new WeakMap<object, ValidateFunction | null>();
let count = 0;

/**
 * What is wrong with an answer by the `outputSchema` of a skill (JSON Schema 2020-12, as the registry has checked it), as `/count must be integer`;
 * undefined if nothing is. A schema whose patterns cannot be matched in linear time is not gone by.
 */
export function wrongAnswer(schema: Record<string, unknown>, answer: Json): string | undefined {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    if (++count > compiledMax) {
      compiled = new WeakMap();
      count = 1;
    }
    validate = compile(schema);
    compiled.set(schema, validate);
  }
  if (validate === null || validate(answer)) return undefined;
  const { instancePath = '', message = 'is wrong' } = validate.errors?.[0] ?? {};
  return `${instancePath || 'it'} ${message}`.slice(0, 500);
}

function compile(schema: Record<string, unknown>): ValidateFunction | null {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false, code: { regExp: linearRegExp } });
  try {
    return ajv.compile(schema);
  } catch {
    return null; // the registry takes it, and its patterns are of another engine
  }
}
