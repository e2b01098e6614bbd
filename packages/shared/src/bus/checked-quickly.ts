import { getMetadataStorage, type ValidatorConstraintInterface } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import type { MessageClass } from './contract.ts';

/** What a class says of one field. */
interface Field {
  name: string;
  conditions: ((object: object, value: unknown) => boolean)[];
  checks: { metadata: ValidationMetadata; validators: ValidatorConstraintInterface[] }[];
  isNested: boolean;
}

interface Rules {
  fields: Field[];
  names: ReadonlySet<string>;
  className: string;
}

/** By class, null where it has rules that are not understood here; classes are never many. */
const known = new WeakMap<MessageClass, Rules | null>();

/**
 * Whether an instance is surely valid, by the same rules as `validateSync` with `whitelist`, whose metadata is gathered once a class and not once a
 * message. False: it may be wrong, and class-validator says where.
 */
export function isSurelyValid(instance: object): boolean {
  const type = instance.constructor as MessageClass | undefined;
  if (typeof type !== 'function') return false;
  let rules = known.get(type);
  if (rules === undefined) known.set(type, (rules = rulesOf(type)));
  if (rules === null) return false;
  for (const name of Object.keys(instance)) if (!rules.names.has(name)) return false;
  for (const field of rules.fields) if (!isFieldValid(instance, field, rules.className)) return false;
  return true;
}

function isFieldValid(object: object, { name, conditions, checks, isNested }: Field, targetName: string): boolean {
  const value = (object as Record<string, unknown>)[name];
  for (const condition of conditions) if (!condition(object, value)) return true;
  for (const { metadata, validators } of checks) {
    for (const validator of validators) {
      const args = { targetName, property: name, object, value, constraints: metadata.constraints };
      if (metadata.each && Array.isArray(value)) {
        for (const item of value) if (validator.validate(item, args) !== true) return false;
      } else if (validator.validate(value, args) !== true) return false;
    }
  }
  if (!isNested || value === undefined) return true;
  return Array.isArray(value) ? value.every(isNestedValid) : isNestedValid(value);
}

function isNestedValid(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isSurelyValid(value);
}

function rulesOf(type: MessageClass): Rules | null {
  const storage = getMetadataStorage();
  const fields = new Map<string, Field>();
  for (const metadata of storage.getTargetValidationMetadatas(type, '', false, false)) {
    const { propertyName: name, constraints } = metadata;
    const field = fields.get(name) ?? { name, conditions: [], checks: [], isNested: false };
    fields.set(name, field);
    if (metadata.validateIf !== undefined) return null;
    if (metadata.type === 'conditionalValidation') field.conditions.push(constraints[0] as Field['conditions'][number]);
    else if (metadata.type === 'customValidation') {
      // Each look at `instance` is a search in class-validator's container.
      const validators = storage.getTargetValidatorConstraints(metadata.constraintCls).map(({ instance }) => instance);
      field.checks.push({ metadata, validators });
    } else if (metadata.type === 'nestedValidation') field.isNested = true;
    else if (metadata.type !== 'whitelistValidation') return null;
  }
  return { fields: [...fields.values()], names: new Set(fields.keys()), className: type.name };
}
