import { Ajv, type ErrorObject } from 'ajv';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { namePattern, nameWords } from '@signalbox/shared/ids/ids.js';
import { perhapsMeant } from './closest.ts';
import { errorsMax } from './read-source.ts';
import { escape } from './template.ts';

/** A check of a kind of file against its published schema. `invalid` with a pointer for each wrong place. */
export function schemaCheck<T>(
  schema: Record<string, unknown>,
  where = 'docs/workflows.md says what a workflow may hold.',
): (value: unknown) => T {
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true, verbose: true }).compile<T>(schema);
  return (value) => {
    if (JSON.stringify(value)?.includes('\\u0000')) {
      throw new Fault('invalid', 'the manifest holds the character NUL', 'Leave it out: no text may hold it.', {
        errors: [{ pointer: '', detail: 'holds the character NUL' }],
      });
    }
    if (validate(value)) return value;
    const errors = merged(telling(validate.errors ?? []).map(detailOf)).slice(0, errorsMax);
    const [first] = errors;
    const detail =
      errors.length === 1 && first
        ? `${first.pointer || 'the manifest'}: ${first.detail}`
        : `${errors.length} places of the manifest are wrong`;
    throw new Fault('invalid', detail, `Correct what \`errors\` names; ${where}`, { errors });
  };
}

/** Of the alternatives of an `anyOf`, those that the value was meant to be: one that differs in more than its type says more. */
function telling(errors: readonly ErrorObject[]): ErrorObject[] {
  const isType = ({ keyword }: ErrorObject): boolean => keyword === 'type';
  return errors.filter((error) => {
    if (error.keyword === 'if' || error.keyword === 'propertyNames') return false;
    const others = errors.filter(
      (other) => other !== error && other.instancePath.startsWith(error.instancePath) && other.keyword !== 'anyOf',
    );
    if (error.keyword === 'anyOf') return others.length === 0;
    const isAlternative = errors.some(({ keyword, instancePath }) => keyword === 'anyOf' && instancePath === error.instancePath);
    return !isAlternative || !isType(error) || others.every(isType);
  });
}

/** One error a place: alternatives that it fails each in its own way are told together. */
function merged(errors: readonly FaultDetail[]): FaultDetail[] {
  const details = new Map<string, string[]>();
  for (const { pointer, detail } of errors) {
    const known = details.get(pointer) ?? [];
    if (!known.some((other) => other.startsWith(detail)))
      details.set(pointer, [...known.filter((other) => !detail.startsWith(other)), detail]);
  }
  return [...details].map(([pointer, found]) => ({ pointer, detail: found.join(', or ') }));
}

function detailOf({ keyword, instancePath: pointer, params, message, data, parentSchema }: ErrorObject): FaultDetail {
  switch (keyword) {
    case 'additionalProperties': {
      const name = String(params['additionalProperty']);
      const known = Object.keys((parentSchema as { properties?: object } | undefined)?.properties ?? {});
      return { pointer: `${pointer}/${escape(name)}`, detail: `is not a known field${perhapsMeant(name, known)}` };
    }
    case 'const':
      return { pointer, detail: `must be ${String(params['allowedValue'])}, not ${shown(data)}` };
    case 'enum': {
      const allowed = (params['allowedValues'] as unknown[]).map(String);
      return { pointer, detail: `must be one of ${allowed.join(', ')}${perhapsMeant(String(data), allowed)}` };
    }
    case 'required':
      return { pointer, detail: `must have ${String(params['missingProperty'])}` };
    case 'pattern': {
      const { description } = (parentSchema ?? {}) as { description?: string };
      return { pointer, detail: `${patternWords(String(params['pattern']))}${description === undefined ? '' : `: ${description}`}` };
    }
    default:
      return { pointer, detail: message ?? 'is wrong' };
  }
}

/** What a text must be: names, and expressions in their place, in words. */
function patternWords(pattern: string): string {
  const name = namePattern.source.slice(1, -1);
  if (pattern === namePattern.source) return `must be ${nameWords}`;
  return pattern.startsWith(`^(?:${name}|`) && pattern.includes(String.raw`\$\{\{`)
    ? `must be ${nameWords}; or an expression`
    : `must match the pattern ${pattern}`;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}
