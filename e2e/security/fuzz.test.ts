import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Chance } from '../cases/chance.ts';
import { anything, valueFor } from './hostile-values.ts';
import { operationsOf, type OperationUnderTest } from './openapi.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

const requestsCount = Number(process.env['FUZZ_REQUESTS'] ?? 20_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const atOnce = 16;
/** Nothing here waits for anything: what takes longer hangs. */
const hangMs = 15_000;
const growthMaxMiB = 160;

let two: TwoWorkspaces;

beforeAll(async () => {
  two = await TwoWorkspaces.start({ RATE_MAX: '1000000' });
});
afterAll(() => two?.[Symbol.asyncDispose]());

/** Doors that the OpenAPI document does not describe. */
const further: OperationUnderTest[] = [
  ['POST', '/mcp'],
  ['GET', '/mcp'],
  ['DELETE', '/mcp'],
  ['POST', '/mcp/servers/x'],
  ['POST', '/v1/chat/completions'],
  ['GET', '/v1/models'],
  ['GET', '/v1/models/agent/treasure'],
].map(([method, path]) => ({ method: method!, path: path!, permission: '', hasBody: method === 'POST', parameters: [], body: null }));

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

function requestOf(operation: OperationUnderTest, chance: Chance, keys: readonly string[], resolve: Parameters<typeof valueFor>[2]): Sent {
  const { theirs } = two;
  const known: Record<string, string[]> = {
    id: [theirs.run, theirs.thread, theirs.artifact, theirs.keyId],
    name: [theirs.name],
    agent: [theirs.name],
    deployment: [theirs.name],
    key: ['work', theirs.name],
    scope: ['workspace', theirs.run, `agent:${theirs.name}`],
    step: ['review'],
  };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(
      chance.is(0.6) && known[name]
        ? chance.of(known[name])
        : String(anything(chance, 4))
            .replaceAll(/[\ud800-\udfff]/g, '?')
            .slice(0, 200) || 'x',
    ),
  );
  const query = new URLSearchParams();
  for (const { in: where, name, schema } of operation.parameters) {
    if (where === 'query' && chance.is(0.3))
      query.set(name, String(schema ? valueFor(schema, chance, resolve) : anything(chance, 4)).slice(0, 500));
  }
  if (query.has('waitMs') || operation.path.endsWith('/invoke')) query.set('waitMs', '0');
  const headers: Record<string, string> = { accept: chance.of(['application/json', 'application/json, text/event-stream', '*/*']) };
  const key = chance.is(0.94) ? chance.of(keys) : chance.of([undefined, 'sbx_wrong']);
  if (key !== undefined) headers['authorization'] = `Bearer ${key}`;
  if (chance.is(0.1)) headers['if-match'] = chance.of(['"1"', '"0"', '*', 'x', '"99999999999"']);
  if (chance.is(0.1)) headers['idempotency-key'] = chance.of(['a', 'b', 'x'.repeat(300)]);
  if (chance.is(0.05)) headers['last-event-id'] = chance.of(['1', 'x', '-1']);
  if (!operation.hasBody && !chance.is(0.05)) return { method: operation.method, path: `${path}?${query.toString()}`, headers };
  headers['content-type'] = chance.is(0.95)
    ? 'application/json'
    : chance.of(['text/plain', 'application/xml', 'multipart/form-data; boundary=x']);
  let value = operation.body && chance.is(0.85) ? valueFor(operation.body, chance, resolve) : anything(chance);
  if (typeof value === 'object' && value !== null && (operation.path.endsWith('/lease') || 'waitMs' in value))
    value = { ...value, waitMs: 0 };
  const text = JSON.stringify(value);
  const body = chance.is(0.97) ? text : chance.of([text.slice(0, -1), `${text},`, '', 'null', '[]', '{"a":1}{"b":2}']);
  return { method: operation.method, path: `${path}?${query.toString()}`, headers, ...(operation.method !== 'GET' && { body }) };
}

/** Resident memory of all services, in MiB. */
async function memory(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, pid] of await two.stack.processes()) {
    if (name === 'PostgreSQL' || name === 'NATS') continue;
    found[name] = Math.round(Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024);
  }
  return found;
}

test(`${requestsCount} random requests over every operation: no 500, no hang, no growth of memory, every error a problem document`, async () => {
  const { operations, resolve } = await operationsOf(two.stack);
  const chance = new Chance(seed);
  const keys = [two.theirs.key, (await two.keyOf(['admin'])).key, (await two.keyOf(['viewer'])).key, (await two.keyOf(['agent'])).key];
  for (const key of keys) await two.stack.rest('GET', '/api/v1/whoami', { key }); // known before guesses from this address are limited
  const all = [...operations, ...further];
  const faults: string[] = [];
  const statuses = new Map<number, number>();
  let slowest = 0;
  let sent = 0;
  const send = async (): Promise<void> => {
    const operation = all[sent % all.length]!;
    sent++;
    const request = requestOf(operation, chance, keys, resolve);
    const { method, path, headers, body } = request;
    const shown = `${method} ${path} ${body?.slice(0, 300) ?? ''}`;
    const since = performance.now();
    const stop = AbortSignal.timeout(hangMs);
    try {
      const response = await fetch(two.stack.url + path, {
        method,
        headers,
        signal: stop,
        redirect: 'manual',
        ...(body !== undefined && { body }),
      });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const type = response.headers.get('content-type') ?? '';
      if (type.includes('event-stream')) return await response.body?.cancel();
      const text = await response.text();
      slowest = Math.max(slowest, performance.now() - since);
      if (response.status === 500 || response.status > 504) faults.push(`${response.status}: ${shown} → ${text.slice(0, 200)}`);
      else if (response.status >= 400 && !isProblem(operation.path, type, text))
        faults.push(`no problem document: ${shown} → ${response.status} ${type} ${text.slice(0, 200)}`);
    } catch (error) {
      faults.push(`${(error as Error).name}: ${shown} → ${(error as Error).message}`);
    }
  };
  const senders = (count: number): Promise<void[]> => {
    const end = sent + count;
    return Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (sent < end && faults.length < 25) await send();
      }),
    );
  };
  await senders(Math.floor(requestsCount / 4)); // heaps reach their size
  const before = await memory();
  await senders(Math.ceil((requestsCount * 3) / 4));
  const after = await memory();
  console.log(
    `${sent} requests, seed ${seed}: ${[...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status} × ${count}`)
      .join(', ')}; slowest ${Math.round(slowest)} ms; MiB ${JSON.stringify(before)} → ${JSON.stringify(after)}`,
  );
  expect(faults).toEqual([]);
  const grown = Object.entries(after).filter(([name, value]) => value - before[name]! > growthMaxMiB / 2);
  expect(grown).toEqual([]);
  const sum = (of: Record<string, number>): number => Object.values(of).reduce((total, value) => total + value, 0);
  expect(sum(after) - sum(before)).toBeLessThan(growthMaxMiB);
  expect(Math.min(...[200, 400, 401, 403, 404].map((status) => statuses.get(status) ?? 0))).toBeGreaterThan(0);
}, 600_000);

/** RFC 9457 at REST; MCP and OpenAI have forms of their own. */
function isProblem(path: string, type: string, text: string): boolean {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    if (path.startsWith('/v1/')) return typeof body['error'] === 'object';
    if (path.startsWith('/mcp')) return typeof body['error'] === 'object' || typeof body['code'] === 'string';
    return (
      type.includes('application/problem+json') && ['type', 'title', 'status', 'detail', 'code', 'next'].every((field) => field in body)
    );
  } catch {
    return false;
  }
}
