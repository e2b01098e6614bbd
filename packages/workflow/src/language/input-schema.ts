import { Ajv, type ValidateFunction } from 'ajv';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { endlessReference } from '@signalbox/shared/json-schema/endless.js';
import { RE2JS } from 're2js';
import { sizeOf, type Json } from '../core/json.ts';

/** A schema larger than this, or with more places, is not a schema of an input. */
const schemaMaxBytes = 65_536;
const placesMax = 2_000;
const compiledMax = 500;
const errorsMax = 20;

/** `pattern` in linear time: no schema and no input can hang the owner. Ajv knows patterns apart by what they are as text. */
export function linearRegExp(source: string): { test: (text: string) => boolean; toString: () => string } {
  const pattern = RE2JS.compile(source);
  return { test: (text) => pattern.matcher(text).find(), toString: () => source };
}
linearRegExp.code = 'linearRegExp';

/** No formats, no remote references, no defaults written into inputs. */
function newAjv(): Ajv {
  return new Ajv({
    allErrors: false,
    strict: false,
    validateFormats: false,
    allowUnionTypes: true,
    logger: false,
    code: { regExp: linearRegExp },
  });
}

const compiled = new Map<string, ValidateFunction>();

function compile(schema: Record<string, Json>): ValidateFunction {
  const text = JSON.stringify(schema);
  const known = compiled.get(text);
  if (known) return known;
  // One Ajv each: schemas of different workflows may carry the same $id.
  const validate = newAjv().compile(schema);
  if (compiled.size >= compiledMax) compiled.clear();
  compiled.set(text, validate);
  return validate;
}

/** Checks a schema of a workflow: of its input, or of a form. `invalid` when it is no JSON Schema, refers outside itself, or is too large. */
export function checkInputSchema(schema: Record<string, Json> | undefined, pointer = '/spec/input'): void {
  if (schema === undefined) return;
  const refuse = (detail: string, cause?: unknown): never => {
    throw new Fault('invalid', `${pointer}: ${detail}`, 'Correct the schema and apply it again.', {
      errors: [{ pointer, detail }],
      cause,
    });
  };
  if (sizeOf(schema, schemaMaxBytes) > schemaMaxBytes) refuse(`the schema is larger than ${schemaMaxBytes} bytes`);
  let places = 0;
  const visit = (value: Json): void => {
    if (++places > placesMax) refuse(`the schema has more than ${placesMax} places`);
    if (typeof value !== 'object' || value === null) return;
    if (!Array.isArray(value) && typeof value['$ref'] === 'string' && !value['$ref'].startsWith('#')) {
      refuse(`$ref ${value['$ref'].slice(0, 100)} leads outside the schema`);
    }
    for (const child of Object.values(value)) visit(child);
  };
  visit(schema);
  const endless = endlessReference(schema);
  if (endless !== null) refuse(`the schema refers to itself without end, by ${endless.slice(0, 100)}`);
  try {
    compile(schema);
  } catch (error) {
    refuse(`this is not a JSON Schema: ${(error as Error).message.slice(0, 500)}`, error);
  }
}

/** Checks the input of a run, or the `data` of an answer. `invalid` with a pointer for each wrong place. */
export function checkInput(schema: Record<string, Json> | undefined, input: Json, place: 'input' | 'data' = 'input'): void {
  if (schema === undefined) return;
  let validate: ValidateFunction;
  let isValid: boolean;
  try {
    validate = compile(schema);
    isValid = validate(input);
  } catch (cause) {
    // A schema that refers to itself without end overflows the stack.
    throw new Fault('invalid', `the schema of the ${place} does not end`, 'Correct the schema of the workflow.', { cause });
  }
  if (isValid) return;
  const errors = (validate.errors ?? []).slice(0, errorsMax).map((error) => ({
    pointer: `/${place}${error.instancePath}`,
    detail: error.message ?? 'is wrong',
  }));
  const wrong = `the ${place} is not what the workflow takes: ${errors[0]?.pointer ?? ''} ${errors[0]?.detail ?? ''}`;
  throw new Fault('invalid', wrong, `Correct the ${place}.`, { errors });
}

/** What is wrong with a value by a schema that was checked, as `/count must be integer`; undefined if nothing. */
export function wrongPlace(schema: Record<string, Json>, value: Json): string | undefined {
  const validate = compile(schema);
  if (validate(value)) return undefined;
  const { instancePath = '', message = 'is wrong' } = validate.errors?.[0] ?? {};
  return `${instancePath || 'it'} ${message}`.slice(0, 500);
}
