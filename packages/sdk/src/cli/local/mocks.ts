import { createHash } from 'node:crypto';
import { durationMs } from '@signalbox/workflow/core/duration.js';
import type { Usage } from '@signalbox/workflow/core/events.js';
import { ExpressionError, type Scope } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { Expression } from '@signalbox/workflow/language/expression.js';
import { compileCondition, compileTemplate, type CompiledTemplate } from '@signalbox/workflow/language/template.js';
import { turnReply, type MockedCall } from './model-replies.ts';
import type { Reply, Task } from './world.ts';

/** One reply, as it stands in a file: `output` and `error` may hold expressions over the task's `input` and `index`. */
export interface ReplyManifest {
  when?: string | boolean;
  output?: Json;
  error?: { code: string; detail?: Json; retryAfterMs?: number };
  /** Of a model: what it calls. */
  calls?: MockedCall[];
  after?: string | number;
  usage?: Partial<Usage>;
}

/** Who answers with what. A list: the nth attempt of a step or item gets the nth reply that fits, further ones the last. */
export type MockManifest = ReplyManifest | ReplyManifest[];

/** Replies by the key of a step, by the name of an agent (or `agent/skill`), of a `server/tool`, of a workflow, of a model; of people, by the tool or agent that a model wants to call. */
export interface MocksManifest {
  steps?: Record<string, MockManifest>;
  agents?: Record<string, MockManifest>;
  tools?: Record<string, MockManifest>;
  workflows?: Record<string, MockManifest>;
  models?: Record<string, MockManifest>;
  approvals?: Record<string, MockManifest>;
}

interface CompiledReply {
  when: Expression | undefined;
  output: CompiledTemplate;
  error: CompiledTemplate | undefined;
  calls: CompiledTemplate | undefined;
  afterMs: number;
  usage: Usage | undefined;
}

const kinds = ['steps', 'agents', 'tools', 'workflows', 'models', 'approvals'] as const;

/** Mocks, compiled. Throws `ExpressionError` with a pointer below `pointer`. */
export class Mocks {
  private readonly replies = new Map<string, readonly CompiledReply[]>();

  constructor(manifest: MocksManifest, pointer: string) {
    for (const kind of kinds) {
      for (const [name, mock] of Object.entries(manifest[kind] ?? {})) {
        const at = `${pointer}/${kind}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const list = Array.isArray(mock) ? mock.map((one, index) => compile(one, `${at}/${index}`)) : [compile(mock, at)];
        this.replies.set(`${kind} ${name}`, list);
      }
    }
  }

  /** The reply to a task; undefined when nothing here answers it. */
  replyTo(task: Task): Reply | undefined {
    const scope: Scope = {
      input: task.input,
      steps: {},
      run: { id: 'run_local', workflow: task.workflow, startedAt: '' },
      ...(task.index !== null && { index: task.index }),
    };
    for (const name of namesOf(task)) {
      const fitting = this.replies.get(name)?.filter(({ when }) => when === undefined || when.compute(scope) === true) ?? [];
      const reply = fitting[Math.min(task.attempt, fitting.length) - 1];
      if (reply === undefined) continue;
      const said = replyOf(reply, scope);
      return task.kind === 'model' ? turnReply(said, reply.calls?.compute(scope) as MockedCall[] | undefined, task) : said;
    }
    return undefined;
  }
}

/** The closest first: the step's own key, then what it asks. */
function namesOf({ kind, step, target, skill, isCalled }: Task): string[] {
  // A step with `llm` is mocked by what its model says; what that calls has its own name.
  const own = isCalled ? '' : `steps ${step}`;
  if (kind === 'model') return [own, `models ${target}`];
  if (kind === 'approval') return isCalled ? [`approvals ${target}`] : [own];
  if (kind === 'tool') return [own, `tools ${target}`];
  if (kind === 'workflow') return [own, `workflows ${target}`];
  if (kind === 'agent') return [own, ...(skill === undefined ? [] : [`agents ${target}/${skill}`]), `agents ${target}`];
  return [own];
}

function compile({ when, output = null, error, calls, after, usage }: ReplyManifest, pointer: string): CompiledReply {
  const afterMs = after === undefined ? 0 : durationMs(after);
  if (afterMs === undefined) throw new ExpressionError('a duration is 500ms, 30s, 10m, 2h, 1d or milliseconds', `${pointer}/after`);
  return {
    when: when === undefined ? undefined : compileCondition(String(when), `${pointer}/when`),
    output: compileTemplate(output, `${pointer}/output`),
    error: error && compileTemplate(error, `${pointer}/error`),
    calls: calls && compileTemplate(calls as Json, `${pointer}/calls`),
    afterMs,
    usage: usage && { inputTokens: usage.inputTokens ?? 0, outputTokens: usage.outputTokens ?? 0, costUsd: usage.costUsd ?? 0 },
  };
}

function replyOf({ output, error, afterMs, usage }: CompiledReply, scope: Scope): Reply {
  const rest = { afterMs, ...(usage && { usage }) };
  if (error === undefined) return { output: output.compute(scope), ...rest };
  const {
    code,
    detail = 'the mock says so',
    retryAfterMs,
  } = error.compute(scope) as { code: string; detail?: Json; retryAfterMs?: number };
  const text = typeof detail === 'string' ? detail : JSON.stringify(detail);
  return { error: { code, detail: text, ...(retryAfterMs !== undefined && { retryAfterMs }) }, ...rest };
}

/** What keeping an artifact gives where nobody keeps it: the reference that its content would have. */
export function artifactReply({ input, step, index }: Task): Reply {
  const { name, mediaType, content } = input as { name: Json; mediaType: Json; content: Json };
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const id = `local_${index === null ? step : `${step}_${index}`}`;
  return { output: { id, name, mediaType, size: Buffer.byteLength(text), sha256 } };
}
