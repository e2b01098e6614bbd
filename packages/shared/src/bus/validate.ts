import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { Fault, type FaultDetail } from '../errors/fault.ts';
import type { MessageClass } from './contract.ts';
import { opaqueFieldsOf } from './opaque.ts';

/** More faults than this in one message help nobody. */
const detailsMax = 20;

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
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
  if (errors.length > 0) throw invalidFault(errors);
  return instance;
}

/** Opaque fields are put in as they are, after the rest was converted. */
function instanceOf<T extends object>(type: MessageClass<T>, value: object): T {
  const opaque = opaqueFieldsOf(type).filter((field) => Object.hasOwn(value, field));
  if (opaque.length === 0) return plainToInstance(type, value);
  const rest: Record<string, unknown> = { ...value };
  for (const field of opaque) delete rest[field];
  const instance = plainToInstance(type, rest);
  for (const field of opaque) (instance as Record<string, unknown>)[field] = (value as Record<string, unknown>)[field];
  return instance;
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
  const own = Object.values(error.constraints ?? {}).map((sentence) => ({
    pointer,
    detail: sentence.startsWith('property ') ? 'is not a known field' : sentence.replace(`${error.property} `, ''),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => detailsOf(child, pointer))];
}
