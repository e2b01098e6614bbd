import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { agentSchema } from './agent.schema.ts';
import { channelSchema } from './channel.schema.ts';
import { deploymentSchema } from './deployment.schema.ts';
import { evalSuiteSchema } from './eval-suite.schema.ts';
import { gateSchema } from './gate.schema.ts';
import type {
  AgentManifest,
  ChannelManifest,
  DeploymentManifest,
  EvalSuiteManifest,
  GateManifest,
  NotificationRuleManifest,
  ObjectiveManifest,
} from './manifest.ts';
import { notificationRuleSchema } from './notification-rule.schema.ts';
import { objectiveSchema } from './objective.schema.ts';
import { stepReportSchema } from './step-report.schema.ts';

/** The published schemas by the kind of manifest. */
export const schemas = {
  Agent: agentSchema,
  Deployment: deploymentSchema,
  StepReport: stepReportSchema,
  Gate: gateSchema,
  Objective: objectiveSchema,
  EvalSuite: evalSuiteSchema,
  Channel: channelSchema,
  NotificationRule: notificationRuleSchema,
} as const;

interface Manifests {
  Agent: AgentManifest;
  Deployment: DeploymentManifest;
  Gate: GateManifest;
  Objective: ObjectiveManifest;
  EvalSuite: EvalSuiteManifest;
  Channel: ChannelManifest;
  NotificationRule: NotificationRuleManifest;
}

/** More faults than this in one manifest help nobody. */
const faultsMax = 20;

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, verbose: true });
const validators = new Map<keyof Manifests, ValidateFunction>();

/** Compiled when it is first needed: a start has no time for it. */
function validatorOf(kind: keyof Manifests): ValidateFunction {
  let validator = validators.get(kind);
  if (!validator) validators.set(kind, (validator = ajv.compile(schemas[kind])));
  return validator;
}

/**
 * The manifest, if it fits its published schema and carries the name that it is applied under; else `invalid` with a JSON Pointer for each
 * wrong place.
 */
export function parseManifest<Kind extends keyof Manifests>(kind: Kind, name: string, value: unknown): Manifests[Kind] {
  const check = validatorOf(kind);
  if (!check(value)) throw invalidManifest(kind, (check.errors ?? []).flatMap(detailOf));
  const manifest = value as Manifests[Kind];
  if (manifest.metadata.name !== name) {
    throw invalidManifest(kind, [{ pointer: '/metadata/name', detail: `must be ${name}, the name in the address` }]);
  }
  return manifest;
}

/** `invalid`, saying what is wrong in the first place and how many more there are. */
export function invalidManifest(kind: string, details: FaultDetail[]): Fault {
  const shown = details.slice(0, faultsMax);
  const first = shown[0] ?? { pointer: '', detail: 'is not valid' };
  const more = details.length > 1 ? `, and ${details.length - 1} more` : '';
  return new Fault(
    'invalid',
    `the ${kind} manifest cannot be used: ${first.pointer || 'it'} ${first.detail}${more}`,
    `Correct what \`errors\` names; the schema is at /api/v1/schemas/${kind}.`,
    { errors: shown },
  );
}

function detailOf(error: ErrorObject): FaultDetail[] {
  const at = error.instancePath;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return [{ pointer: `${at}/${escape(String(params['missingProperty']))}`, detail: 'is missing' }];
    case 'additionalProperties':
      return [{ pointer: `${at}/${escape(String(params['additionalProperty']))}`, detail: unknownField(error) }];
    case 'if':
      // What of the alternative does not hold is told too.
      return [];
    case 'enum':
      return [{ pointer: at, detail: `must be one of ${(params['allowedValues'] as string[]).join(', ')}` }];
    case 'const':
      return [{ pointer: at, detail: `must be ${String(params['allowedValue'])}` }];
    case 'propertyNames':
      return [{ pointer: `${at}/${escape(String(params['propertyName']))}`, detail: 'has a name that is not allowed here' }];
    case 'pattern':
      // The wrong name of a property is told by `propertyNames` already.
      if (error.propertyName !== undefined) return [];
      return [{ pointer: at, detail: patternDetail(String(params['pattern'])) }];
    default:
      return [{ pointer: at, detail: error.message ?? 'is not valid' }];
  }
}

function patternDetail(pattern: string): string {
  if (pattern === '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$') return 'must be a name: lower-case letters, digits and hyphens, at most 63';
  if (pattern.startsWith('^https?')) return 'must be an http or https address';
  if (pattern.startsWith('^secret://')) return 'must be `secret://NAME`, never the value itself: signalbox secrets set NAME';
  if (pattern.includes('secret://')) return 'must be `env` or `secret://NAME`, never the key itself';
  return `must match ${pattern}`;
}

/** Says which known field was perhaps meant: one that begins alike or has the same letters. */
function unknownField({ params, parentSchema }: ErrorObject): string {
  const given = String((params as Record<string, unknown>)['additionalProperty']);
  const known = Object.keys((parentSchema?.['properties'] as object | undefined) ?? {});
  const letters = (text: string): string => [...text.toLowerCase().replaceAll(/[^a-z]/g, '')].sort().join('');
  const isBeginningOf = (name: string): boolean => given.length >= 3 && name.startsWith(given.slice(0, Math.max(3, given.length - 3)));
  const alike = known.find((name) => letters(name) === letters(given) || isBeginningOf(name));
  return alike === undefined ? 'is not a known field' : `is not a known field; is ${alike} meant?`;
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
