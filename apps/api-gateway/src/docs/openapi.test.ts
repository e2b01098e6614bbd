import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { allRoutes } from '../rest/all-routes.ts';
import { openApiDocument } from './openapi.ts';

interface Operation {
  operationId: string;
  parameters: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }>;
}

const { paths, components } = openApiDocument(allRoutes, '1.0.0', 'http://127.0.0.1') as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, { type?: string; items?: { $ref?: string } }> }> };
};
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);

test('every operation has an id of its own', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.length).toBeGreaterThan(50);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every list says what its items are, and how it is paged', () => {
  const vague: string[] = [];
  for (const { path, parameters, responses } of operations) {
    const name = responses['200']?.content?.['application/json']?.schema.$ref?.split('/').at(-1);
    const data = name === undefined ? undefined : components.schemas[name]?.properties?.['data'];
    if (data?.type !== 'array') continue;
    if (data.items?.$ref === undefined) vague.push(`${path}: items`);
    if ('nextCursor' in components.schemas[name!]!.properties! && !parameters.some((parameter) => parameter.name === 'cursor'))
      vague.push(`${path}: cursor`);
  }
  expect(vague).toEqual([]);
});

test('every reference leads somewhere', () => {
  const known = new Set(Object.keys(components.schemas));
  const referred = [...JSON.stringify({ paths, components }).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!);
  expect(referred.filter((name) => !known.has(name))).toEqual([]);
});

test('creates tell of Idempotency-Key, and changes of versioned things of If-Match', () => {
  const withHeader = (name: string): string[] =>
    operations
      .filter(({ parameters }) => parameters.some((each) => each.name === name && each.in === 'header'))
      .map((each) => each.operationId);
  expect(withHeader('Idempotency-Key')).toEqual(expect.arrayContaining(['startRun', 'createThread', 'createKey', 'createPrincipal']));
  expect(withHeader('If-Match')).toContain('putState');
});
