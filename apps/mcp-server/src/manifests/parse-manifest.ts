import type { McpTransport } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { referenceFault } from '@signalbox/shared/secrets/secret-reference.js';
import { checkForeignCommand } from '@signalbox/supervisor/foreign-command.js';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { McpServerManifest, McpServerSpec } from './manifest.ts';
import { httpSchema, mcpServerSchema, stdioSchema } from './mcp-server.schema.ts';

/** More faults than this in one manifest help nobody. */
const faultsMax = 20;
/** Names that stand for agents and workflows among the tools of `/mcp`. */
const reservedNames = new Set(['agent', 'workflow']);

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, verbose: true });
const schemas: Record<'frame' | 'transport' | McpTransport, Record<string, unknown>> = {
  // The branch of the transport is checked by itself: a `oneOf` that fails tells of every branch.
  frame: { ...mcpServerSchema, $id: 'frame', properties: { ...mcpServerSchema.properties, spec: { type: 'object' } } },
  transport: {
    type: 'object',
    required: ['transport'],
    properties: { transport: { enum: ['stdio', 'streamable-http'] } },
  },
  stdio: stdioSchema,
  'streamable-http': httpSchema,
};
const checks = new Map<string, ValidateFunction>();

/** Compiled when it is first needed: a start has no time for it. */
function checkOf(kind: keyof typeof schemas): ValidateFunction {
  let check = checks.get(kind);
  if (!check) checks.set(kind, (check = ajv.compile(schemas[kind])));
  return check;
}

/** The manifest, if it fits its published schema and carries the given name; else `invalid` with a JSON Pointer for each wrong place. */
export function parseManifest(name: string, value: unknown): McpServerManifest {
  const frame = checkOf('frame');
  if (!frame(value)) throw invalid(detailsOf(frame.errors, ''));
  const manifest = value as McpServerManifest;
  const faults: FaultDetail[] = [];
  if (manifest.metadata.name !== name) faults.push({ pointer: '/metadata/name', detail: `must be ${name}, the name in the address` });
  if (reservedNames.has(name))
    faults.push({ pointer: '/metadata/name', detail: `must not be ${name}, which stands for something else in tools’ names` });
  const transport = checkOf('transport');
  if (!transport(manifest.spec)) throw invalid([...faults, ...detailsOf(transport.errors, '/spec')]);
  const check = checkOf(manifest.spec.transport);
  if (!check(manifest.spec)) throw invalid([...faults, ...detailsOf(check.errors, '/spec')]);
  faults.push(...specFaults(manifest.spec));
  if (faults.length > 0) throw invalid(faults);
  return manifest;
}

/** What no schema can say. */
function specFaults(spec: McpServerSpec): FaultDetail[] {
  const faults: FaultDetail[] = [];
  const values = Object.entries(spec.transport === 'stdio' ? (spec.env ?? {}) : (spec.headers ?? {}));
  const field = spec.transport === 'stdio' ? 'env' : 'headers';
  for (const [key, value] of values) {
    const detail = referenceFault(value);
    if (detail !== null) faults.push({ pointer: `/spec/${field}/${escape(key)}`, detail });
  }
  if (spec.transport === 'streamable-http') {
    if (spec.url.includes('secret://'))
      faults.push({ pointer: '/spec/url', detail: 'must not name a secret: addresses are logged, send a header' });
    if (!URL.canParse(spec.url)) faults.push({ pointer: '/spec/url', detail: 'is no URL' });
    else if (new URL(spec.url).username !== '' || new URL(spec.url).password !== '') {
      faults.push({ pointer: '/spec/url', detail: 'must not hold a user or password: send a header' });
    }
    return faults;
  }
  if (spec.command[0] === '') faults.push({ pointer: '/spec/command/0', detail: 'must name a program' });
  for (const [index, argument] of spec.command.entries()) {
    if (argument.includes('secret://'))
      faults.push({ pointer: `/spec/command/${index}`, detail: 'must not name a secret: others can read a command line, use `env`' });
  }
  faults.push(...refusal('/spec/command', () => checkForeignCommand(spec.command, {})));
  for (const variable of Object.keys(spec.env ?? {})) {
    faults.push(...refusal(`/spec/env/${variable}`, () => checkForeignCommand(['program'], { [variable]: '' })));
  }
  return faults;
}

/** What the supervisor will not start, told where it stands. */
function refusal(pointer: string, check: () => void): FaultDetail[] {
  try {
    check();
    return [];
  } catch (error) {
    return [{ pointer, detail: `is refused: ${(error as Error).message}` }];
  }
}

function invalid(details: FaultDetail[]): Fault {
  const first = details[0] ?? { pointer: '', detail: 'is not valid' };
  const more = details.length > 1 ? `, and ${details.length - 1} more` : '';
  return new Fault(
    'invalid',
    `the McpServer manifest cannot be used: ${first.pointer || 'it'} ${first.detail}${more}`,
    'Correct what `errors` names; the schema is at /api/v1/schemas/McpServer.',
    { errors: details.slice(0, faultsMax) },
  );
}

function detailsOf(errors: ErrorObject[] | null | undefined, parent: string): FaultDetail[] {
  return (errors ?? []).flatMap((error) => detailOf(error, `${parent}${error.instancePath}`));
}

function detailOf(error: ErrorObject, at: string): FaultDetail[] {
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return [{ pointer: `${at}/${escape(String(params['missingProperty']))}`, detail: 'is missing' }];
    case 'additionalProperties':
      return [{ pointer: `${at}/${escape(String(params['additionalProperty']))}`, detail: 'is not a known field' }];
    case 'enum':
      return [{ pointer: at, detail: `must be one of ${(params['allowedValues'] as string[]).join(', ')}` }];
    case 'const':
      return [{ pointer: at, detail: `must be ${String(params['allowedValue'])}` }];
    case 'propertyNames':
      return [{ pointer: `${at}/${escape(String(params['propertyName']))}`, detail: 'has a name that is not allowed here' }];
    case 'pattern':
      return error.propertyName === undefined ? [{ pointer: at, detail: `must match ${String(params['pattern'])}` }] : [];
    default:
      return [{ pointer: at, detail: error.message ?? 'is not valid' }];
  }
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
