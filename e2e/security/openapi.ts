import type { StackUnderTest } from '../stack-under-test.ts';

/** One operation of the OpenAPI document. */
export interface OperationUnderTest {
  method: string;
  /** As `/api/v1/runs/{id}`. */
  path: string;
  permission: string;
  hasBody: boolean;
  parameters: { in: string; name: string; schema?: Record<string, unknown> }[];
  /** JSON Schema of the body, references resolved one by one by `resolve`. */
  body: Record<string, unknown> | null;
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        parameters?: (OperationUnderTest['parameters'][number] | { $ref: string })[];
        requestBody?: { content: Record<string, { schema?: Record<string, unknown> }> };
        'x-permission'?: string;
      }
    >
  >;
  components: Record<string, Record<string, unknown>>;
}

/** All operations that the installation says it has, and what resolves references in their schemas. */
export async function operationsOf(
  stack: StackUnderTest,
): Promise<{ operations: OperationUnderTest[]; resolve: (schema: Record<string, unknown>) => Record<string, unknown> }> {
  const document = (await stack.rest('GET', '/api/openapi.json')).body as Document;
  const at = ($ref: string): unknown =>
    $ref
      .slice(2)
      .split('/')
      .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
  const resolve = (schema: Record<string, unknown>): Record<string, unknown> =>
    typeof schema['$ref'] === 'string' ? resolve(at(schema['$ref']) as Record<string, unknown>) : schema;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      permission: operation['x-permission'] ?? '',
      hasBody: operation.requestBody !== undefined,
      parameters: (operation.parameters ?? []).map((parameter) =>
        '$ref' in parameter ? (at(parameter.$ref) as OperationUnderTest['parameters'][number]) : parameter,
      ),
      body: operation.requestBody?.content['application/json']?.schema ?? null,
    })),
  );
  return { operations, resolve };
}
