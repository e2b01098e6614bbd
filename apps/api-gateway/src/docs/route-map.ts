import type { Catalogue } from '@signalbox/shared/bus/catalogue.js';

/** Of an OpenAPI document, what the map needs. */
export type Paths = Record<string, Record<string, { operationId: string; 'x-permission': string; security?: unknown }>>;

/**
 * Every door and every contract on one page, made from the code: what is new shows in review. `routes` are what the gateway really answers
 * (`GET /api/v1/agents/:name`), `paths` what the OpenAPI document says of them.
 */
export function routeMap(routes: readonly string[], paths: Paths, { contracts, events }: Catalogue): string {
  const methods = new Map<string, Set<string>>();
  for (const [method, path] of routes.map((route) => route.split(' ') as [string, string])) {
    if (method !== 'HEAD') methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  const doors = [...methods]
    // More methods than REST has: the door takes them all and answers for itself.
    .flatMap(([path, own]) => (own.size > 5 ? [['any', path] as const] : [...own].map((method) => [method, path] as const)))
    .sort(([methodA, pathA], [methodB, pathB]) => compare(pathA, pathB) || compare(methodA, methodB))
    .map(([method, path]) => {
      const operation = paths[path.replaceAll(/:([A-Za-z]+)/g, '{$1}')]?.[method.toLowerCase()];
      return row([code(method), code(path), operation ? code(operation['x-permission']) : 'see above', operation?.operationId ?? '–']);
    });
  const calls = contracts.map(({ subject, callers, identity, permission, timeoutMs, maxBytes, idempotent, errors }) =>
    row([
      code(subject),
      [...callers].sort().join(', '),
      identity === 'service' ? 'the service itself' : code(permission),
      `${timeoutMs} ms`,
      `${maxBytes} B`,
      idempotent ? 'yes' : 'no',
      errors.join(', ') || '–',
    ]),
  );
  const told = events.map(({ subject, listeners, durable }) =>
    row([code(subject), durable ? 'durable' : 'live', [...listeners].sort().join(', ') || '–']),
  );
  return `# Doors and contracts

Made from the code by \`UPDATE_ROUTE_MAP=1 npm test -- --filter=@signalbox/api-gateway\`; a test compares it, so that a new door is seen in review. Permissions are what
[roles](security-model.md) give.

## What the gateway answers

Doors without a permission of their own: \`/healthz\` and \`/readyz\` say whether the gateway is up; the dashboard's files and \`/docs\` show nothing of a workspace; \`/api/v1/session\` takes a
key and gives a session; \`/mcp\`, \`/v1\` and the workers' doors take a key and check the permission of each contract that they use.

| method | path | permission | operation |
| --- | --- | --- | --- |
${doors.join('\n')}

## What services ask each other

The gateway's requests carry the caller's signed identity; the service checks its permission again.

| subject | who may call | permission | within | at most | may be repeated | errors beside the general ones |
| --- | --- | --- | --- | --- | --- | --- |
${calls.join('\n')}

## What services tell

The gateway hears all of it.

| subject | kind | who else hears it |
| --- | --- | --- |
${told.join('\n')}
`;
}

function row(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
