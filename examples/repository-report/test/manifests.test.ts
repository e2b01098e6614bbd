import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadManifests } from '@signalbox/sdk/cli/manifests/load.js';
import type { AgentSpec } from '@signalbox/sdk/client/agents.js';
import type { McpServerSpec } from '@signalbox/sdk/client/mcp-servers.js';
import type { Manifest } from '@signalbox/sdk/client/schema.js';
import { analystSkills } from '../src/analyst.ts';
import { excluded } from '../src/read/library.ts';
import { manifestPattern } from '../src/read/plan.ts';
import { writerSkills } from '../src/writer.ts';

const folder = resolve(import.meta.dirname, '..');

async function load(env: Record<string, string> = {}, values: [string, unknown][] = []): Promise<Map<string, Manifest>> {
  const loaded = await loadManifests(['.'], { cwd: folder, env, values: new Map(values), readStdin: () => Promise.resolve('') });
  return new Map(loaded.map(({ manifest }) => [`${manifest.kind} ${manifest.metadata.name}`, manifest]));
}

function specOf<Spec>(manifests: Map<string, Manifest>, key: string): Spec {
  return manifests.get(key)?.spec as Spec;
}

test('the bundle gives two servers, four agents, a workflow and a deployment', async () => {
  expect([...(await load()).keys()]).toEqual([
    'McpServer filesystem',
    'McpServer memory',
    'Agent librarian',
    'Agent analyst',
    'Agent keeper',
    'Agent writer',
    'Workflow repository-report',
    'Deployment repository-report',
  ]);
});

test('the writer is a model where one is configured, else the template', async () => {
  const kindOf = async (env: Record<string, string>): Promise<string> => specOf<AgentSpec>(await load(env), 'Agent writer').kind;
  expect(await kindOf({})).toBe('worker');
  expect(await kindOf({ OPENAI_API_KEY: 'x' })).toBe('llm');
  const manifests = await load({ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_MODEL: 'mine' });
  expect(specOf<AgentSpec>(manifests, 'Agent writer').llm?.model).toBe('mine');
  expect(JSON.stringify(manifests.get('Workflow repository-report'))).toContain('the language model mine');
});

test('the librarian’s server sees the given folders alone, as absolute paths', async () => {
  const [, ...scriptAndFolders] = specOf<McpServerSpec & { command: string[] }>(
    await load({}, [['folders', '/srv/code,there']]),
    'McpServer filesystem',
  ).command;
  expect(scriptAndFolders.slice(1)).toEqual(['/srv/code', resolve(folder, 'there')]);
  const given = specOf<{ command: string[]; roots: string[]; cwd: string }>(await load(), 'McpServer filesystem');
  const clone = resolve(folder, '../..');
  expect(given.roots).toEqual(['apps', 'packages', 'docs', 'examples'].map((name) => resolve(clone, name)));
  expect(given.command.slice(2)).toEqual(given.roots);
  expect(existsSync(resolve(given.cwd, given.command[1] ?? ''))).toBe(true);
});

test('manifests and programs agree on skills, schemas and what is listed', async () => {
  const manifests = await load();
  for (const [agent, skills] of [
    ['analyst', analystSkills],
    ['writer', writerSkills],
  ] as const) {
    const declared = specOf<AgentSpec>(manifests, `Agent ${agent}`).skills?.map(({ name, description, inputSchema }) => ({
      name,
      description,
      inputSchema,
    }));
    expect(declared).toEqual(Object.entries(skills).map(([name, { description, input }]) => ({ name, description, inputSchema: input })));
  }
  const { steps } = specOf<{ steps: Record<string, { with: object }> }>(manifests, 'Workflow repository-report');
  expect(steps['list']?.with).toMatchObject({ pattern: manifestPattern, excludePatterns: excluded });
});
