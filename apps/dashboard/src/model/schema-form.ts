import type { JsonSchema } from '@signalbox/sdk/client/schema.js';
import type { Json } from '../api/shapes.ts';

/** A form field made of a JSON Schema. What the form does not understand is edited as JSON, so that nothing is out of reach. */
export interface Field {
  /** Property name in its parent; empty for the root. */
  name: string;
  label: string;
  description: string | null;
  required: boolean;
  kind: 'text' | 'number' | 'boolean' | 'choice' | 'list' | 'object' | 'json';
  integer: boolean;
  minimum: number | null;
  maximum: number | null;
  options: Json[];
  /** Of an object. */
  fields: Field[];
  /** Of a list. */
  item: Field | null;
  initial: Json | undefined;
}

/** Deeper schemas are edited as JSON from here on: nobody fills a form of ten levels. */
const depthMax = 4;
/** More properties than this are edited as JSON. */
const fieldsMax = 60;

/** The form of a schema. `null` or a schema that is no object takes any JSON. */
export function formOf(schema: JsonSchema | null | undefined): Field {
  return fieldOf('', schema ?? {}, true, 0);
}

function fieldOf(name: string, schema: JsonSchema, required: boolean, depth: number): Field {
  const type = typeOf(schema);
  const base: Field = {
    name,
    label: typeof schema['title'] === 'string' ? schema['title'] : name,
    description: typeof schema['description'] === 'string' ? schema['description'] : null,
    required,
    kind: 'json',
    integer: type === 'integer',
    minimum: numberOf(schema['minimum']),
    maximum: numberOf(schema['maximum']),
    options: [],
    fields: [],
    item: null,
    initial: schema['default'] as Json | undefined,
  };
  if ('const' in schema) return { ...base, kind: 'choice', options: [schema['const'] as Json], initial: schema['const'] as Json };
  const options = schema['enum'];
  if (Array.isArray(options) && options.length > 0) return { ...base, kind: 'choice', options: options as Json[] };
  if (type === 'string') return { ...base, kind: 'text' };
  if (type === 'number' || type === 'integer') return { ...base, kind: 'number' };
  if (type === 'boolean') return { ...base, kind: 'boolean' };
  if (depth >= depthMax) return base;
  const items = schema['items'];
  if (type === 'array' && isSchema(items)) return { ...base, kind: 'list', item: fieldOf('', items, true, depth + 1) };
  const properties = schema['properties'];
  if ((type === 'object' || type === null) && isSchema(properties)) {
    const names = Object.keys(properties);
    if (names.length <= fieldsMax) {
      const needed = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
      const fields = names.flatMap((each) => {
        const property = properties[each];
        return isSchema(property) ? [fieldOf(each, property, needed.includes(each), depth + 1)] : [];
      });
      fields.sort((a, b) => Number(b.required) - Number(a.required));
      return { ...base, kind: 'object', fields };
    }
  }
  return base;
}

function typeOf(schema: JsonSchema): string | null {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return (type as unknown[]).find((each): each is string => typeof each === 'string' && each !== 'null') ?? null;
  return null;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** What a fresh form holds: defaults, and objects that are required. */
export function initialOf(field: Field): Json | undefined {
  if (field.initial !== undefined) return field.initial;
  if (field.kind !== 'object') return undefined;
  const value: { [key: string]: Json } = {};
  for (const each of field.fields) {
    const initial = initialOf(each);
    if (initial !== undefined && (each.required || each.initial !== undefined || each.kind !== 'object')) value[each.name] = initial;
  }
  return field.required || Object.keys(value).length > 0 ? value : undefined;
}

/** What is wrong with a value, by JSON pointer. The service checks again with the whole schema; this says the plain things at once. */
export function faultsOf(field: Field, value: Json | undefined, pointer = ''): { pointer: string; detail: string }[] {
  if (value === undefined || value === '') {
    if (field.required && !(field.kind === 'text' && value === '')) return [{ pointer, detail: 'This is required.' }];
    if (value === undefined) return [];
  }
  switch (field.kind) {
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value)) return [{ pointer, detail: 'A number, please.' }];
      if (field.integer && !Number.isInteger(value)) return [{ pointer, detail: 'A whole number, please.' }];
      if (field.minimum !== null && value < field.minimum) return [{ pointer, detail: `At least ${field.minimum}.` }];
      if (field.maximum !== null && value > field.maximum) return [{ pointer, detail: `At most ${field.maximum}.` }];
      return [];
    }
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ pointer, detail: 'An object, please.' }];
      return field.fields.flatMap((each) => faultsOf(each, value[each.name], `${pointer}/${escaped(each.name)}`));
    }
    case 'list': {
      if (!Array.isArray(value)) return [{ pointer, detail: 'A list, please.' }];
      return value.flatMap((each, i) => (field.item ? faultsOf(field.item, each, `${pointer}/${i}`) : []));
    }
    default:
      return [];
  }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
