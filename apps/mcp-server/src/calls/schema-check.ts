import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { endlessReference } from '@signalbox/shared/json-schema/endless.js';
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats, { type FormatsPlugin } from 'ajv-formats';
import { RE2JS } from 're2js';

/** Why a schema of a server cannot be used, as a sentence. */
export class SchemaProblem extends Error {
  override readonly name = 'SchemaProblem';
}

/** Checks a value; the details say what is wrong, none: it fits. */
export type SchemaCheck = (value: unknown) => FaultDetail[];

/** A larger schema takes longer to compile than a call should. */
const propertiesMax = 10_000;
const depthMax = 64;
const detailsMax = 10;

const options: Options = {
  strict: false,
  allErrors: false,
  validateSchema: false, // servers write what no meta-schema knows; what ajv cannot compile is told all the same
  logger: false,
  code: { regExp: Object.assign(linearPattern, { code: 'linearPattern' }) },
};

/**
 * Compiles a server's JSON Schema (2020-12, or draft-07 where it says so). Nothing is fetched: a reference that leads outside is a problem, as
 * is a schema that is too large or endless. Throws a SchemaProblem.
 */
export function compileSchema(schema: Record<string, unknown>): SchemaCheck {
  const problem = tooLarge(schema);
  if (problem !== null) throw new SchemaProblem(problem);
  const endless = endlessReference(schema);
  if (endless !== null) throw new SchemaProblem(`it refers to itself without end, by ${endless.slice(0, 80)}`);
  const isDraft07 = typeof schema['$schema'] === 'string' && /draft-0[4-7]/.test(schema['$schema']);
  // One instance a schema: they are independent, and what one says of `$id` cannot reach another.
  const ajv = isDraft07 ? new Ajv(options) : new Ajv2020(options);
  (addFormats as unknown as FormatsPlugin)(ajv, { mode: 'fast' });
  const { $schema: _, $id: __, ...rest } = schema;
  let check: ValidateFunction;
  try {
    check = ajv.compile(rest);
  } catch (error) {
    throw new SchemaProblem((error as Error).message.slice(0, 200), { cause: error });
  }
  return (value) => {
    try {
      return check(value) ? [] : (check.errors ?? []).slice(0, detailsMax).map(detailOf);
    } catch (error) {
      if (error instanceof RangeError) return [{ pointer: '', detail: 'is nested too deeply for its schema' }];
      throw error;
    }
  };
}

function tooLarge(schema: unknown): string | null {
  let properties = 0;
  const visit = (value: unknown, depth: number): string | null => {
    if (typeof value !== 'object' || value === null) return null;
    if (depth > depthMax) return `it is nested deeper than ${depthMax} levels`;
    for (const [key, part] of Object.entries(value)) {
      if (++properties > propertiesMax) return `it has more than ${propertiesMax} parts`;
      if ((key === '$ref' || key === '$dynamicRef') && typeof part === 'string' && !part.startsWith('#'))
        return `it refers to ${part.slice(0, 80)}`;
      const problem = visit(part, depth + 1);
      if (problem !== null) return problem;
    }
    return null;
  };
  return visit(schema, 0);
}

/**
 * Patterns of foreign schemas in linear time. What RE2 cannot express is not checked here: the server checks it again anyway. Ajv knows patterns
 * apart by what they are as text.
 */
function linearPattern(pattern: string): { test: (text: string) => boolean; toString: () => string } {
  const toString = (): string => pattern;
  try {
    const compiled = RE2JS.compile(pattern);
    return { test: (text) => compiled.matcher(text).find(), toString };
  } catch {
    return { test: () => true, toString };
  }
}

function detailOf({ instancePath, keyword, params, message }: ErrorObject): FaultDetail {
  const facts = params as Record<string, unknown>;
  switch (keyword) {
    case 'required':
      return { pointer: `${instancePath}/${String(facts['missingProperty'])}`, detail: 'is missing' };
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return {
        pointer: `${instancePath}/${String(facts['additionalProperty'] ?? facts['unevaluatedProperty'])}`,
        detail: 'is not a known field',
      };
    case 'enum':
      return { pointer: instancePath, detail: `must be one of ${JSON.stringify(facts['allowedValues'])}` };
    default:
      return { pointer: instancePath, detail: message ?? 'is not valid' };
  }
}
