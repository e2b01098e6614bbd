import { withClient } from '@signalbox/stack/database/connect.js';
import { StackUnderTest, until } from '../stack-under-test.ts';

/** Answers of the REST API, with what tells one refusal from another. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** One of everything that a workspace owns, by what a path calls it. */
export interface Belongings {
  key: string;
  keyId: string;
  principal: string;
  run: string;
  thread: string;
  artifact: string;
  evaluation: string;
  rollout: string;
  /** Name of its agent, workflow, deployment, eval suite and state key. */
  name: string;
  scope: string;
}

const workflow = (name: string): object => ({
  apiVersion: 'signalbox.dev/v1',
  kind: 'Workflow',
  metadata: { name },
  spec: { steps: { work: { agent: name, skill: 'do', with: {} } } },
});
const agent = (name: string, more: object = {}): object => ({
  apiVersion: 'signalbox.dev/v1',
  kind: 'Agent',
  metadata: { name },
  spec: { kind: 'worker', description: 'Waits for a worker.', skills: [{ name: 'do', description: 'Does it.' }], worker: {}, ...more },
});
const evalSuite = (name: string): object => ({
  apiVersion: 'signalbox.dev/v1',
  kind: 'EvalSuite',
  metadata: { name },
  spec: { skill: 'do', cases: [{ name: 'one', input: {}, expected: {} }], graders: [{ type: 'exact' }] },
});
const deployment = (name: string): object => ({
  apiVersion: 'signalbox.dev/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { owner: 'team', agents: [{ name, steps: [{ name: 'review', source: 'reported', estimate: [1, 2] }] }] },
});

/** An installation with the administrator's workspace and another one, which owns one of everything. */
export class TwoWorkspaces implements AsyncDisposable {
  private constructor(
    readonly stack: StackUnderTest,
    readonly admin: string,
    readonly theirs: Belongings,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<TwoWorkspaces> {
    const stack = await StackUnderTest.create(env);
    try {
      await stack.start('--no-example');
      const admin = await stack.adminKey();
      const made = await stack.rest('POST', '/api/v1/workspaces', { key: admin, body: { name: 'other', title: 'Another team' } });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      const { key } = made.body as { key: { key: string; id: string } };
      return new TwoWorkspaces(stack, admin, await belongingsOf(stack, key, 'treasure'));
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A new key of the administrator's workspace, of a new service account. */
  async keyOf(roles: string[], options: Record<string, unknown> = {}): Promise<{ key: string; id: string; principal: string }> {
    const name = `account-${crypto.randomUUID().slice(0, 8)}`;
    const account = await this.stack.rest('POST', '/api/v1/principals', { body: { kind: 'service-account', name, roles } });
    const principal = (account.body as { id: string }).id;
    const made = await this.stack.rest('POST', '/api/v1/keys', { body: { name, principal, ...options } });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    return { ...(made.body as { key: string; id: string }), principal };
  }

  /** PostgreSQL by a role of the installation: `superuser`, or one of a service's. */
  async sql<Row extends object>(role: string, text: string, values: unknown[] = []): Promise<Row[]> {
    return withClient(await this.databaseUrl(role), async (client) => (await client.query<Row>(text, values)).rows);
  }

  databaseUrl(role: string): Promise<string> {
    return this.stack.databaseUrl(role);
  }

  /** A digest of every row of a workspace, by table: what changes when anything of it is written, but for when a key was used last. */
  async rowsOf(workspace: string): Promise<Record<string, string>> {
    return withClient(await this.databaseUrl('superuser'), async (client) => {
      // Figures of what it has asked for itself are written seconds later.
      const { rows } = await client.query<{ name: string }>(
        `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE a.attname = 'workspace' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> 'pg_catalog'
           AND c.relname <> 'kpi_bucket'`,
      );
      const digests: Record<string, string> = {};
      for (const { name } of rows) {
        const found = await client.query<{ digest: string }>(
          `SELECT coalesce(md5(string_agg(row, '' ORDER BY row)), '') AS digest FROM (SELECT md5((to_jsonb(t) - 'last_used_at' - 'published_at')::text) AS row FROM ${name} t WHERE workspace::text = $1) AS rows`,
          [workspace],
        );
        digests[name] = found.rows[0]!.digest;
      }
      return digests;
    });
  }

  async workspaceOf(key: string): Promise<string> {
    const { body } = await this.stack.rest('GET', '/api/v1/whoami', { key });
    return (body as { workspace: string }).workspace;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]();
  }
}

async function belongingsOf(stack: StackUnderTest, { key, id: keyId }: { key: string; id: string }, name: string): Promise<Belongings> {
  const ask = async (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Record<string, string>> => {
    const answer = await stack.rest(method, path, { key, ...(body !== undefined && { body }), ...(headers && { headers }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Record<string, string>;
  };
  await ask('PUT', `/api/v1/agents/${name}`, agent(name));
  await ask('PUT', `/api/v1/workflows/${name}`, workflow(name));
  await ask('PUT', `/api/v1/deployments/${name}`, deployment(name));
  await ask('PUT', `/api/v1/state/workspace/${name}`, { value: 'theirs' });
  const run = await ask('POST', `/api/v1/workflows/${name}/runs`, { input: {} });
  const thread = await ask('POST', '/api/v1/threads', { title: name });
  await ask('POST', `/api/v1/threads/${thread['id']}/messages`, { role: 'user', content: 'theirs' });
  const artifact = await ask('POST', `/api/v1/artifacts?name=${name}`, 'theirs', { 'content-type': 'text/plain' });
  const principal = await ask('POST', '/api/v1/principals', { kind: 'service-account', name, roles: ['viewer'] });
  // Both have ended, so that nothing of them changes by itself.
  await ask('PUT', `/api/v1/eval-suites/${name}`, evalSuite(name));
  const evaluation = await ask('POST', '/api/v1/evals', { suite: name, agent: name });
  await ask('POST', `/api/v1/runs/${evaluation['run']}/cancel`);
  await until('their eval has ended', async () => (await ask('GET', `/api/v1/evals/${evaluation['id']}`))['status'] === 'cancelled');
  await ask('PUT', `/api/v1/agents/${name}`, agent(name, { rollout: { strategy: 'canary', steps: [{ share: 0.1 }] } }));
  const rollouts = (await ask('GET', `/api/v1/rollouts?agent=${name}`)) as unknown as { data: { id: string }[] };
  const rollout = rollouts.data[0]!.id;
  await ask('POST', `/api/v1/rollouts/${rollout}/abort`);
  await until('their run has begun', async () => (await ask('GET', `/api/v1/runs/${run['id']}`))['status'] === 'running');
  return {
    key,
    keyId,
    principal: principal['id']!,
    run: run['id']!,
    thread: thread['id']!,
    artifact: artifact['id']!,
    evaluation: evaluation['id']!,
    rollout,
    name,
    scope: 'workspace',
  };
}
