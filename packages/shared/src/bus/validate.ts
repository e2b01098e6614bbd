import { plainToInstance, TransformationType } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { validateSync, type ValidationError } from 'class-validator';
import { Fault, type FaultDetail } from '../errors/fault.ts';
import { namePattern, nameWords } from '../ids/ids.ts';
import { isSurelyValid } from './checked-quickly.ts';
import type { MessageClass } from './contract.ts';
import { opaqueFieldsOf } from './opaque.ts';

/** More faults than this in one message help nobody. */
const detailsMax = 20;
/** No message of ours has as many fields, and no list that is checked item by item as many items: checking more would take its time. */
const breadthMax = { fields: 100, items: 5_000 };

/**
 * The plain value as an instance of its class. `invalid` with a JSON Pointer for each wrong place; a field that the class does not know is
 * wrong too.
 */
export function validate<T extends object>(type: MessageClass<T>, value: unknown): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault('invalid', 'a JSON object is expected here', 'Send an object.', {
      errors: [{ pointer: '', detail: 'must be an object' }],
    });
  }
  const instance = instanceOf(type, value);
  if (isSurelyValid(instance)) return instance;
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  if (errors.length > 0) throw invalidFault(errors);
  return instance;
}

/**
 * What somebody asks, checked: as `validate`, and a `null` where a field may be absent means that it is, since `@IsOptional` lets it through; a whole
 * number that JavaScript cannot hold exactly is no number of ours.
 */
export function validateRequest<T extends object>(type: MessageClass<T>, value: unknown): T {
  const instance = validate(type, value) as Record<string, unknown>;
  let defaults: Record<string, unknown> | null = null;
  for (const [field, given] of Object.entries(instance)) {
    const isOdd = given === null || (typeof given === 'number' && Number.isInteger(given) && !Number.isSafeInteger(given));
    if (!isOdd || opaqueFieldsOf(type).includes(field)) continue;
    if (given !== null) throw excessFault(`/${field}`, `must be at most ${Number.MAX_SAFE_INTEGER}`);
    instance[field] = (defaults ??= new type() as Record<string, unknown>)[field];
  }
  return instance as T;
}

/** Which fields of a class class-transformer has something to do for, found once. */
const convertedFields = new WeakMap<MessageClass, Map<string, boolean>>();

function isConverted(type: MessageClass, field: string): boolean {
  let fields = convertedFields.get(type);
  if (!fields) convertedFields.set(type, (fields = new Map()));
  let converted = fields.get(field);
  if (converted === undefined) {
    converted =
      !opaqueFieldsOf(type).includes(field) &&
      (defaultMetadataStorage.findTypeMetadata(type, field) !== undefined ||
        defaultMetadataStorage.findTransformMetadatas(type, field, TransformationType.PLAIN_TO_CLASS).length > 0);
    if (fields.size < fieldsMax) fields.set(field, converted);
  }
  return converted;
}

/** Names of unknown fields are input: they are not kept without end. */
const fieldsMax = 64;

/** Only fields that `@Type` or `@Transform` say something of are converted; all others are put in as they are. */
function instanceOf<T extends object>(type: MessageClass<T>, value: object): T {
  const instance = new type() as Record<string, unknown>;
  let rest: Record<string, unknown> | null = null;
  const fields = Object.keys(value);
  if (fields.length > breadthMax.fields) throw excessFault('', `has more than ${breadthMax.fields} fields`);
  for (const field of fields) {
    const given = (value as Record<string, unknown>)[field];
    if (field === '__proto__' || field === 'constructor') throw reservedFault(field); // class-validator finds its rules by the constructor
    if (Array.isArray(given) && given.length > breadthMax.items && !opaqueFieldsOf(type).includes(field))
      throw excessFault(`/${field}`, `has more than ${breadthMax.items} items`);
    if (isConverted(type, field)) {
      for (const nested of Array.isArray(given) ? given : [given]) {
        if (typeof nested === 'object' && nested !== null && Object.keys(nested).length > breadthMax.fields)
          throw excessFault(`/${field}`, `has more than ${breadthMax.fields} fields`);
      }
      (rest ??= {})[field] = given;
    } else instance[field] = given;
  }
  if (rest) {
    const converted = plainToInstance(type, rest) as Record<string, unknown>;
    for (const field of Object.keys(rest)) instance[field] = converted[field];
  }
  return instance as T;
}

function excessFault(pointer: string, detail: string): Fault {
  return new Fault('invalid', `${pointer || 'the message'}: ${detail}`, 'Send less at once.', { errors: [{ pointer, detail }] });
}

function reservedFault(field: string): Fault {
  return new Fault('invalid', `a field named ${field} is not allowed`, 'Leave it out.', {
    errors: [{ pointer: `/${field}`, detail: 'is not a known field' }],
  });
}

function invalidFault(errors: ValidationError[]): Fault {
  const details = errors.flatMap((error) => detailsOf(error, '')).slice(0, detailsMax);
  const first = details[0];
  return new Fault(
    'invalid',
    details.length === 1 && first ? `${first.pointer || 'the message'}: ${first.detail}` : `${details.length} places are wrong`,
    'Correct what `errors` names.',
    { errors: details },
  );
}

function detailsOf(error: ValidationError, parent: string): FaultDetail[] {
  const pointer = `${parent}/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const broken = Object.entries(error.constraints ?? {});
  const ofType = broken.filter(([rule]) => typeRules.has(rule));
  const own = (ofType.length > 0 ? ofType : broken).map(([, sentence]) => ({ pointer, detail: wordsOf(sentence, error.property) }));
  return [...own, ...(error.children ?? []).flatMap((child) => detailsOf(child, pointer))];
}

/** Of a value that has not even the type, its bounds say nothing more. */
const typeRules = new Set(['isInt', 'isNumber', 'isString', 'isBoolean', 'isArray', 'isObject']);

/** What class-validator says, without the field's name, and of the patterns that people meet most, in words. */
function wordsOf(sentence: string, property: string): string {
  if (sentence.startsWith('property ')) return 'is not a known field';
  const detail = sentence.replace(`each value in ${property} `, 'each value ').replace(`${property} `, '');
  return detail.replace(/must match (\/.*\/\w*) regular expression$/, (_, pattern: string) => {
    if (pattern === String(namePattern)) return `must be ${nameWords}`;
    const prefix = /^\/\^([a-z]+)_\[0-7\]/.exec(pattern)?.[1];
    return prefix === undefined ? `must match ${pattern}` : `must be an identifier that begins with ${prefix}_`;
  });
}
