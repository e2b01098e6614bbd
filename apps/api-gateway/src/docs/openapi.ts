import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RequestMethod, type Type } from '@nestjs/common';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { targetConstructorToSchema, validationMetadatasToSchemas } from 'class-validator-jsonschema';
import type { MessageClass } from '@signalbox/shared/bus/contract.js';
import { idempotencyKeyOf } from '../platform/idempotency-key.ts';
import { ifMatchOf } from '../platform/if-match.ts';
import { operationKey, type OperationMetadata } from '../platform/operation.ts';

type Json = Record<string, unknown>;

const refPrefix = '#/components/schemas/';

const conversion: NonNullable<Parameters<typeof validationMetadatasToSchemas>[0]> = {
  refPointerPrefix: refPrefix,
  classTransformerMetadataStorage: defaultMetadataStorage as never, // it reads the same fields
  additionalConverters: { isArray: itemsOf },
};

/** The OpenAPI 3.1 document of all routes, made from their contracts. */
export function openApiDocument(routes: readonly Type[], version: string, serverUrl: string): Json {
  const schemas = validationMetadatasToSchemas(conversion) as Record<string, Json>;
  const used = new Set<string>();
  const paths: Record<string, Json> = {};
  for (const { path, method, operation, name, headers } of routes.flatMap(operationsOf)) {
    (paths[path] ??= {})[method] = describe(path, name, operation, headers, schemas, used);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Signalbox',
      version,
      description:
        'The control plane for AI agents. Lists answer `{ data, nextCursor }`; errors are problem documents (RFC 9457) with `code` and `next`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    security: [{ key: [] }],
    tags: [...new Set(Object.keys(paths).map(tagOf))].sort().map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key, `sbx_…`.' } },
      schemas: { ...Object.fromEntries([...used].sort().map((key) => [key, schemas[key]])), Problem: problemSchema },
    },
  };
}

interface Route {
  path: string;
  method: string;
  name: string;
  operation: OperationMetadata;
  headers: Json[];
}

/** What an array holds, also where a field is opaque to the bus and its items are not checked there one by one. */
function itemsOf({ target, propertyName }: { target: object | string; propertyName: string }): Json {
  const type = defaultMetadataStorage.findTypeMetadata(target, propertyName)?.typeFunction();
  const isClass = type !== undefined && !([String, Number, Boolean, Date, Object] as unknown[]).includes(type);
  return { type: 'array', items: isClass ? { $ref: refPrefix + type.name } : {} };
}

/** Headers that a handler reads, told by its parameters' decorators. */
function headersOf(controller: Type, property: string): Json[] {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, property) ?? {}) as Record<
    string,
    { factory?: unknown; data?: { required?: boolean } }
  >;
  return Object.values(args).flatMap(({ factory, data }): Json[] => {
    if (factory === idempotencyKeyOf) {
      const description = 'The same key with the same request makes nothing twice, for 24 h.';
      return [
        { name: 'Idempotency-Key', in: 'header', required: false, description, schema: { type: 'string', minLength: 1, maxLength: 128 } },
      ];
    }
    if (factory !== ifMatchOf) return [];
    const description = 'The quoted ETag of the version that you saw: a lost race is 412.';
    return [{ name: 'If-Match', in: 'header', required: data?.required === true, description, schema: { type: 'string' } }];
  });
}

function operationsOf(controller: Type): Route[] {
  const base = String(Reflect.getMetadata(PATH_METADATA, controller) ?? '');
  const prototype = controller.prototype as Record<string, unknown>;
  return Object.getOwnPropertyNames(prototype).flatMap((property) => {
    const handler = prototype[property];
    if (typeof handler !== 'function') return [];
    const operation = Reflect.getMetadata(operationKey, handler) as OperationMetadata | undefined;
    if (!operation) return [];
    const own = String(Reflect.getMetadata(PATH_METADATA, handler) ?? '');
    const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod].toLowerCase();
    const path = `/${[base, own]
      .map((part) => part.replace(/^\/|\/$/g, ''))
      .filter(Boolean)
      .join('/')}`.replace(/:([A-Za-z]+)/g, '{$1}');
    return [{ path, method, operation, name: controller.name.replace(/Route$/, ''), headers: headersOf(controller, property) }];
  });
}

function describe(
  path: string,
  name: string,
  operation: OperationMetadata,
  headers: Json[],
  schemas: Record<string, Json>,
  used: Set<string>,
): Json {
  const {
    contract,
    summary,
    description,
    body,
    consumes,
    query,
    reply = contract.reply,
    status,
    produces = 'application/json',
  } = operation;
  const parameters = [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, key]) => ({
    name: key,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return {
    operationId: name.charAt(0).toLowerCase() + name.slice(1),
    summary,
    description: `${description ? `${description}\n\n` : ''}Needs the permission \`${contract.permission}\`.`,
    tags: [tagOf(path)],
    parameters: [...parameters, ...(query ? queryParameters(schemaOf(query, schemas)) : []), ...headers],
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: refTo(body, schemas, used) } } } }),
    ...(consumes && { requestBody: { required: true, content: { [consumes]: { schema: { type: 'string', format: 'binary' } } } } }),
    responses: {
      [String(status ?? 200)]: {
        description: 'As asked',
        ...(status !== 204 && {
          content: { [produces]: { schema: produces === 'application/json' ? refTo(reply, schemas, used) : { type: 'string' } } },
        }),
      },
      default: { description: 'What went wrong', content: { 'application/problem+json': { schema: { $ref: `${refPrefix}Problem` } } } },
    },
    'x-permission': contract.permission,
  };
}

function tagOf(path: string): string {
  return path.split('/')[3] ?? path.split('/')[1] ?? 'other';
}

function queryParameters(schema: Json | undefined): Json[] {
  const properties = (schema?.['properties'] ?? {}) as Record<string, Json>;
  const required = (schema?.['required'] ?? []) as string[];
  return Object.entries(properties).map(([name, property]) => ({ name, in: 'query', required: required.includes(name), schema: property }));
}

/** A class that only extends another has no schema of its own yet. */
function schemaOf(type: MessageClass, schemas: Record<string, Json>): Json | undefined {
  schemas[type.name] ??= targetConstructorToSchema(type, conversion) as Json;
  return 'properties' in schemas[type.name]! ? schemas[type.name] : undefined;
}

function refTo(type: MessageClass, schemas: Record<string, Json>, used: Set<string>): Json {
  const schema = schemaOf(type, schemas);
  collect(type.name, schemas, used);
  return schema ? { $ref: refPrefix + type.name } : { type: 'object' };
}

function collect(name: string, schemas: Record<string, Json>, used: Set<string>): void {
  if (used.has(name) || !schemas[name]) return;
  used.add(name);
  for (const [, referred] of JSON.stringify(schemas[name]).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    collect(referred!, schemas, used);
}

const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'next'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened.' },
    code: {
      enum: [
        'invalid',
        'unauthenticated',
        'forbidden',
        'not_found',
        'conflict',
        'limited',
        'unavailable',
        'timeout',
        'cancelled',
        'internal',
      ],
    },
    next: { type: 'string', description: 'What to do.' },
    service: { type: 'string', description: 'The service that did not answer.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: {
          pointer: { type: 'string' },
          detail: { type: 'string' },
          line: { type: 'integer', description: 'From 1, of what was sent as text.' },
          column: { type: 'integer' },
        },
      },
    },
  },
};
