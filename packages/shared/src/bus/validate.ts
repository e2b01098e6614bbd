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

/** How the value of a field becomes what its class says: it is put in as it is, made an instance of a class of ours, or left to class-transformer. */
type Conversion = 'none' | MessageClass | 'class-transformer';

/** Of the fields of a class, each found once. */
const conversions = new WeakMap<MessageClass, Map<string, Conversion>>();
/** Names of unknown fields are input: they are not kept without end. */
const fieldsMax = 64;
/** What `@Type` names that is no class of ours. */
const builtIn = new Set<unknown>([Object, Array, Number, String, Boolean, BigInt, Date, Map, Set, Buffer]);

function conversionOf(type: MessageClass, field: string): Conversion {
  let fields = conversions.get(type);
  if (!fields) conversions.set(type, (fields = new Map()));
  let conversion = fields.get(field);
  if (conversion === undefined) {
    conversion = opaqueFieldsOf(type).includes(field) ? 'none' : recordedConversion(type, field);
    if (fields.size < fieldsMax) fields.set(field, conversion);
  }
  return conversion;
}

function recordedConversion(type: MessageClass, field: string): Conversion {
  const transforms = defaultMetadataStorage.findTransformMetadatas(type, field, TransformationType.PLAIN_TO_CLASS);
  if (transforms.length > 0) return 'class-transformer';
  const nested = defaultMetadataStorage.findTypeMetadata(type, field);
  if (nested === undefined) return 'none';
  const target = nested.typeFunction();
  return nested.options.discriminator !== undefined || builtIn.has(target) ? 'class-transformer' : (target as MessageClass);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Only fields that `@Type` or `@Transform` say something of are converted; all others are put in as they are. `pointer`: of the value. */
function instanceOf<T extends object>(type: MessageClass<T>, value: object, pointer = ''): T {
  const instance = new type() as Record<string, unknown>;
  let rest: Record<string, unknown> | null = null;
  const fields = Object.keys(value);
  if (fields.length > breadthMax.fields) throw excessFault(pointer, `has more than ${breadthMax.fields} fields`);
  for (const field of fields) {
    const given = (value as Record<string, unknown>)[field];
    // class-validator finds its rules by the constructor
    if (field === '__proto__' || field === 'constructor') throw reservedFault(`${pointer}/${field}`, field);
    if (Array.isArray(given) && given.length > breadthMax.items && !opaqueFieldsOf(type).includes(field))
      throw excessFault(`${pointer}/${field}`, `has more than ${breadthMax.items} items`);
    const conversion = conversionOf(type, field);
    if (conversion === 'none' || (conversion !== 'class-transformer' && !isObject(given))) instance[field] = given;
    else if (conversion === 'class-transformer' || (Array.isArray(given) && given.some(Array.isArray))) {
      for (const nested of Array.isArray(given) ? given : [given]) {
        if (isObject(nested) && Object.keys(nested).length > breadthMax.fields)
          throw excessFault(`${pointer}/${field}`, `has more than ${breadthMax.fields} fields`);
      }
      (rest ??= {})[field] = given;
    } else if (Array.isArray(given)) {
      instance[field] = given.map((item: unknown, at) =>
        isObject(item) ? instanceOf(conversion, item, `${pointer}/${field}/${at}`) : item,
      );
    } else instance[field] = instanceOf(conversion, given as object, `${pointer}/${field}`);
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

function reservedFault(pointer: string, field: string): Fault {
  return new Fault('invalid', `a field named ${field} is not allowed`, 'Leave it out.', {
    errors: [{ pointer, detail: 'is not a known field' }],
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
