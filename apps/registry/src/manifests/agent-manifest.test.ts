import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { namesCommand, namesSecret, parseAgentManifest } from './agent-manifest.ts';
import { changesBetween } from './changes.ts';
import { contentHash } from './content-hash.ts';
import type { AgentManifest } from './manifest.ts';

function manifestOf(spec: Record<string, unknown>): Record<string, unknown> {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Agent', metadata: { name: 'a' }, spec };
}

function errorsOf(spec: Record<string, unknown>): unknown {
  try {
    parseAgentManifest('a', manifestOf(spec));
    return [];
  } catch (fault) {
    expect(fault).toMatchObject({ code: 'invalid' });
    return (fault as { errors: unknown }).errors;
  }
}

describe('an agent manifest', () => {
  test('of each kind is taken', () => {
    expect(errorsOf({ kind: 'mcp', mcp: { server: 'files', tools: ['read_file'] } })).toEqual([]);
    expect(errorsOf({ kind: 'worker' })).toEqual([]);
    expect(errorsOf({ kind: 'worker', worker: { runner: 'local', command: ['node', 'a.js'], env: { LOG_LEVEL: 'info' } } })).toEqual([]);
    expect(errorsOf({ kind: 'llm', llm: { model: 'm', provider: { baseUrl: 'https://x.test/v1', apiKey: 'secret://key' } } })).toEqual([]);
    expect(errorsOf({ kind: 'http', http: { url: 'https://x.test/agent' } })).toEqual([]);
  });

  test('without what its kind needs, or with what another needs, is refused', () => {
    expect(errorsOf({ kind: 'mcp', http: { url: 'https://x.test' } })).toEqual([
      { pointer: '/spec/mcp', detail: 'is missing: an agent of kind mcp needs it' },
      { pointer: '/spec/http', detail: 'is for agents of kind http, not mcp' },
    ]);
  });

  test('with unknown fields is refused, each with its place', () => {
    expect(errorsOf({ kind: 'worker', worker: { runer: 'local' }, unknown: 1 })).toEqual([
      { pointer: '/spec/unknown', detail: 'is not a known field' },
      { pointer: '/spec/worker/runer', detail: 'is not a known field; is runner meant?' },
    ]);
    expect(errorsOf({ kind: 'spaceship' })).toEqual([{ pointer: '/spec/kind', detail: 'must be one of mcp, worker, llm, http' }]);
  });

  test('with a key in the clear is refused', () => {
    expect(errorsOf({ kind: 'llm', llm: { model: 'm', provider: { apiKey: 'sk-123' } } })).toEqual([
      { pointer: '/spec/llm/provider/apiKey', detail: 'must be `env` or `secret://NAME`, never the key itself' },
    ]);
  });

  test('whose command could be made to run other code is refused', () => {
    const env = { NODE_OPTIONS: '--import x', LD_PRELOAD: 'x', PATH: '/tmp', SIGNALBOX_API_KEY: 'x', MY_KEY: 'secret://X', TZ: 'UTC' };
    const faults = errorsOf({ kind: 'worker', worker: { runner: 'local', command: ['node'], env } }) as { pointer: string }[];
    expect(faults.map(({ pointer }) => pointer.split('/').at(-1))).toEqual([
      'NODE_OPTIONS',
      'LD_PRELOAD',
      'PATH',
      'SIGNALBOX_API_KEY',
      'MY_KEY',
    ]);
    expect(errorsOf({ kind: 'worker', worker: { runner: 'local', command: ['node\u0000x'], env: { 'a-b': '1' } } })).toHaveLength(2);
  });

  test('names secrets where they are kept from others', () => {
    const env = { MY_KEY: 'secret://x' };
    const worker = { kind: 'worker', worker: { runner: 'local', command: ['node'], env } };
    const http = { kind: 'http', http: { url: 'https://x.test/', headers: { Authorization: 'Bearer secret://x' } } };
    const llm = { kind: 'llm', llm: { model: 'm', provider: { baseUrl: 'https://x.test/v1', apiKey: 'secret://x' } } };
    for (const spec of [worker, http, llm]) {
      expect(errorsOf(spec)).toEqual([]);
      expect(namesSecret(manifestOf(spec) as unknown as AgentManifest)).toBe(true);
    }
    expect(namesSecret(manifestOf({ kind: 'http', http: { url: 'https://x.test/' } }) as unknown as AgentManifest)).toBe(false);
    expect(errorsOf({ kind: 'worker', worker: { runner: 'local', command: ['node', '--key=secret://x'] } })).toEqual([
      { pointer: '/spec/worker/command/1', detail: 'must not name a secret: others can read a command line, use `env`' },
    ]);
    expect(errorsOf({ kind: 'http', http: { url: 'https://x.test/?k=secret://x', headers: { a: 'secret://X' } } })).toEqual([
      { pointer: '/spec/http/url', detail: 'must not name a secret: addresses are logged, send a header' },
      { pointer: '/spec/http/headers/a', detail: expect.stringContaining('must name a secret as `secret://NAME`') as unknown },
    ]);
  });

  test('names a command only for the local runner', () => {
    expect(errorsOf({ kind: 'worker', worker: { runner: 'local' } })).toEqual([
      { pointer: '/spec/worker/command', detail: 'is missing: the local runner needs a command to run' },
    ]);
    expect(errorsOf({ kind: 'worker', worker: { command: ['node'] } })).toEqual([
      { pointer: '/spec/worker/command', detail: 'is for the runner `local` alone' },
    ]);
    expect(namesCommand(manifestOf({ kind: 'worker', worker: { runner: 'local', command: ['x'] } }) as unknown as AgentManifest)).toBe(
      true,
    );
    expect(namesCommand(manifestOf({ kind: 'worker' }) as unknown as AgentManifest)).toBe(false);
  });

  test('with schemas of skills that are none, reach outside, or are far too big is refused', () => {
    const skill = (inputSchema: unknown): Record<string, unknown> => ({
      kind: 'worker',
      skills: [{ name: 's', description: 'd', inputSchema }],
    });
    const detail = (schema: unknown): unknown =>
      (errorsOf(skill(schema)) as { pointer: string; detail: string }[]).map((fault) => [fault.pointer, fault.detail])[0];
    expect(errorsOf(skill({ type: 'object', properties: { x: { $ref: '#/$defs/x' } }, $defs: { x: { type: 'string' } } }))).toEqual([]);
    expect(detail({ type: 'unicorn' })).toEqual(['/spec/skills/0/inputSchema', expect.stringContaining('is not a JSON Schema')]);
    expect(detail({ $ref: 'https://evil.test/schema.json' })).toEqual([
      '/spec/skills/0/inputSchema',
      expect.stringContaining('refers to https://evil.test'),
    ]);
    expect(detail({ $ref: '#/$defs/none' })).toEqual(['/spec/skills/0/inputSchema', expect.stringContaining("can't resolve reference")]);
    expect(detail({ properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`p${at}`, { type: 'string' }])) })).toEqual([
      '/spec/skills/0/inputSchema',
      'has more than 1000 parts',
    ]);
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 50; level++) deep = { not: deep };
    expect(detail(deep)).toEqual(['/spec/skills/0/inputSchema', 'is nested more than 32 levels deep']);
    expect(errorsOf(skill({ properties: { child: { $ref: '#' } } }))).toEqual([]);
  });

  test('with a skill twice is refused', () => {
    const skill = { name: 's', description: 'd' };
    expect(errorsOf({ kind: 'worker', skills: [skill, skill] })).toEqual([
      { pointer: '/spec/skills/1/name', detail: 'names the skill s a second time' },
    ]);
  });

  test('of the example is taken, all nine', () => {
    const text = readFileSync(new URL('../../../../examples/deployment-board/1-agents.yaml', import.meta.url), 'utf8');
    const manifests = parseAllDocuments(text)
      .map((document) => document.toJS() as { metadata: { name: string } } | null)
      .filter((document) => document !== null);
    expect(manifests.map((manifest) => parseAgentManifest(manifest.metadata.name, manifest).metadata.name)).toHaveLength(9);
  });
});

describe('content', () => {
  test('hashes alike however its keys are ordered, and otherwise differs', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, child]) => [key, reversed(child)]),
            )
          : value;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as object;
        expect(contentHash(reversed(plain) as object)).toBe(contentHash(plain));
        expect(contentHash({ ...plain, extra: plain })).not.toBe(contentHash(plain));
      }),
    );
    expect(contentHash({ b: 1, a: [true, null] })).toBe('sha256:51705a2c9eb3e7e410a58f696a770c3ac3885a0cf43eb7fc88f5e47c11d4d30d');
  });

  test('that is equal has no changes, and each change says where, from what and to what', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => changesBetween(structuredClone(value), value).length === 0));
    expect(
      changesBetween(
        { spec: { a: 1, list: ['x', 'y'], gone: true }, labels: {} },
        { spec: { a: 2, list: ['x', 'z', 'w'] }, labels: { 'a.b/c': '1' } },
      ),
    ).toEqual([
      { path: 'labels["a.b/c"]', to: '1' },
      { path: 'spec.a', from: 1, to: 2 },
      { path: 'spec.gone', from: true },
      { path: 'spec.list[1]', from: 'y', to: 'z' },
      { path: 'spec.list[2]', to: 'w' },
    ]);
  });

  test('that differs in very many places is told as one change', () => {
    const from = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`k${at}`, at]));
    expect(changesBetween(from, {})).toEqual([{ path: '', from, to: {} }]);
  });
});
