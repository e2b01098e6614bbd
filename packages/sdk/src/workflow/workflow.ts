import type { JsonSchema, Labels, Manifest } from '../client/schema.ts';
import type { Budget, LlmStep, Repeat, UsesAtMost, WorkflowLimit, WorkflowSpec, WorkflowStep } from '../client/workflows.ts';
import { plain, ref } from './reference.ts';
import type { Computed, Ref, Value } from './reference.ts';

/** What a step may have besides what it does. */
export interface StepOptions {
  /** Steps that must have ended before; those that are referred to are needed without being listed. */
  needs?: readonly Pick<Step<unknown>, 'key'>[];
  /** False: the step is skipped. */
  if?: Ref<boolean> | Ref<unknown> | boolean;
  label?: string;
  retry?: WorkflowStep['retry'];
  timeout?: string | number;
  timeouts?: WorkflowStep['timeouts'];
  /** What follows when the executor of an attempt is lost. */
  onCrash?: 'retry' | 'fail' | 'ask';
  onError?: 'fail' | 'continue';
  /** What an attempt needs a place of before it may begin, by name. */
  limits?: LimitsOption;
  /** From 1 (goes first) to 5. */
  priority?: number;
  /** What all its items, turns and child runs may use together. */
  budget?: WorkflowStep['budget'];
  /** Of an agent or a workflow: what one attempt can use at most. */
  usesAtMost?: UsesAtMost;
}

/** What undoes a step: an agent, a tool or a workflow, with its input. */
export type Compensation = (
  { agent: string; skill?: string; fallback?: string; failover?: WorkflowStep['failover'] } | { tool: string } | { workflow: string }
) &
  Pick<WorkflowStep, 'retry' | 'timeout' | 'timeouts' | 'label' | 'usesAtMost'> & { with?: Value };

/** The same for a step that an agent does. */
export interface AgentOptions extends StepOptions {
  skill?: string;
  /** The version of the agent; absent: the current one, or of workers whichever is there. */
  version?: number;
  /** Another agent, for when the attempts with the first are used up. */
  fallback?: string;
  /** Whom a reference can choose that stands in place of the agent's name. */
  agents?: string[];
  /** Who goes on where the agent cannot, given what was said before. */
  failover?: WorkflowStep['failover'];
  /** What stands in where nobody can do it; `use` may hold references. */
  whenUnavailable?: { use?: Value; skip?: true; after?: string | number };
}

/** What there is to say of items besides the list. */
export interface ItemOptions<Item> {
  maxParallel?: number;
  maxFailures?: number | `${number}%`;
  /** Each item begins as soon as it is there: the list is the output of another step with items, or the turns of one with turns. */
  stream?: boolean;
  /** More items than these, and those that do not fit the JSON Schema, fail the step before any is begun. */
  max?: number;
  schema?: JsonSchema;
  /** The name of an item, and the names of those that must have ended before it; what they gave is `results`. */
  key?: (item: Ref<Item>) => Ref<unknown>;
  needs?: (item: Ref<Item>) => Ref<unknown>;
}

/** What a turn sees: those before it, and what the last of them gave. */
export interface Turns<Output> {
  turns: Ref<Turn<Output>[]>;
  last: Ref<Output>;
  index: Ref<number>;
}

/** One turn, and of an agent's whose it was. */
export interface Turn<Output> {
  agent?: string;
  output: Output;
}

/** What turns come to. */
export interface Repeated<Output> {
  last: Output;
  turns: Turn<Output>[];
  end: 'until' | 'turns' | 'no_progress';
}

/** How often a step is repeated, and what ends that. */
export interface RepeatOptions<Output> extends Pick<Repeat, 'maxTurns' | 'onLimit'> {
  until?: (seen: Turns<Output>) => Ref<unknown>;
  noProgress?: false | { turns?: number; similarity?: number; of?: (seen: Turns<Output>) => Ref<unknown> };
}

/** What an artifact's step gives. */
export interface ArtifactReference {
  id: string;
  name: string;
  mediaType: string;
  size: number;
  sha256: string;
}

/** Waits so long, until a time, or for a signal. */
export type Wait = Value<string> | number | { until: Value<string | number> } | { signal: Value<string>; timeout?: Value<string | number> };

/** Who may answer. */
export interface AnswererNames {
  roles?: readonly ('admin' | 'operator')[];
  /** Users and service accounts by name, or anyone by identifier. */
  principals?: readonly Value<string>[] | Ref<string[]>;
}

/** What is asked of people. */
export interface ApprovalOptions {
  message: Value<string>;
  by?: AnswererNames;
  notBy?: 'starter';
  /** JSON Schema (draft 7) of what an approval fills in. */
  form?: JsonSchema;
  deadline?: Value<string | number> | { until: Value<string | number> };
  onDeadline?: 'fail' | 'approve' | 'reject';
  onReject?: 'fail' | 'continue';
  escalate?: readonly { after: Value<string | number> | { until: Value<string | number> }; by: AnswererNames }[];
  /** How long before the deadline who may answer is reminded. */
  remind?: readonly Value<string | number>[];
}

/** How people answered; `by` is null when the deadline did. */
export interface Answered<Data> {
  approved: boolean;
  by: { id: string; name: string } | null;
  at: string;
  data: Data;
  comment: string | null;
}

/** What a model is asked, and what it may call and use. */
export type LlmOptions = Omit<LlmStep, 'instructions' | 'prompt' | 'messages'> & { instructions?: Value<string> } & (
    { prompt: Value } | { messages: Value }
  );

/** A step of a workflow that is being built: its output, status and errors are references. */
export interface Step<Output> {
  readonly key: string;
  readonly output: Ref<Output>;
  readonly status: Ref<string>;
  readonly errors: Ref<{ index: number | null; code: string; detail: string }[]>;
}

/** A run as its last steps see it. */
export interface EndedRun {
  id: string;
  workflow: string;
  startedAt: string;
  status: 'succeeded' | 'failed' | 'cancelled';
  error: { code: string; detail: string } | null;
}

/** Limits by name, whose keys may be references. */
export type LimitsOption = Record<string, Omit<WorkflowLimit, 'key'> & { key?: Value }>;

/** What is known of a run before it begins. */
export interface RunStart<Input> {
  input: Ref<Input>;
  labels: Ref<Record<string, string>>;
}

/** What a workflow has besides its steps. */
export interface WorkflowOptions<Input = unknown> {
  description?: string;
  labels?: Labels;
  /** JSON Schema (draft 7) of the input. */
  input?: JsonSchema;
  /** How long a run may take: `2h`, or milliseconds. */
  timeout?: string | number;
  /** How urgent its steps are, from 1 (goes first) to 5; 3 if absent. */
  priority?: number;
  /** What a run needs a place of before it begins, by name. */
  limits?: LimitsOption | ((start: RunStart<Input>) => LimitsOption);
  /** What becomes of a start that finds no place free: the run waits (`queue`, if absent), it is refused with `limited`, or the oldest run is cancelled for it (`replace`). */
  onLimit?: 'queue' | 'refuse' | 'replace';
  /** After which ends what was done is undone: both if absent. */
  compensateOn?: ('failed' | 'cancelled')[];
  compensateTimeout?: string | number;
  finallyTimeout?: string | number;
  /** How long runs are kept after their end, by how they ended: `12h`, `90d`. */
  retention?: { succeeded?: string; failed?: string; cancelled?: string };
  /** What a run may use, its child runs included. */
  budget?: Budget;
}

/**
 * Builds the manifest of a workflow: the same document as its YAML. What `define` returns are the outputs of a run.
 *
 * ```ts
 * const review = workflow<{ folder: string }>('review', (w) => {
 *   const list = w.tool<{ text: string }>('list', 'files/list_directory', { path: w.input.folder });
 *   const read = w.each(cel<string[]>`${list.output.text}.split("\n")`, (name) => w.agent<string>('read', 'reader', { name }));
 *   return { notes: read.output };
 * });
 * ```
 */
export function workflow<Input = unknown>(
  name: string,
  define: (builder: WorkflowBuilder<Input>) => unknown,
  { description, labels, input, limits, ...rest }: WorkflowOptions<Input> = {},
): Manifest<WorkflowSpec> {
  const steps = new Map<string, WorkflowStep>();
  const atEnd = new Map<string, WorkflowStep>();
  const named = typeof limits === 'function' ? limits({ input: ref('input'), labels: ref('labels') }) : limits;
  const outputs = plain(define(new WorkflowBuilder<Input>(steps, atEnd)));
  return {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Workflow',
    metadata: { name, ...(description !== undefined && { description }), ...(labels && { labels }) },
    spec: {
      ...(input && { input }),
      steps: Object.fromEntries(steps),
      ...(outputs !== undefined && { outputs }),
      ...(atEnd.size > 0 && { finally: Object.fromEntries(atEnd) }),
      ...(named && { limits: plain(named) as Record<string, WorkflowLimit> }),
      ...rest,
    },
  };
}

/** Adds steps to a workflow, each under a key of its own. */
export class WorkflowBuilder<Input> {
  /** The input of the run. */
  readonly input = ref<Input>('input');
  /** The run itself. */
  readonly run = ref<{ id: string; workflow: string; startedAt: string }>('run');
  readonly #steps: Map<string, WorkflowStep>;
  readonly #atEnd: Map<string, WorkflowStep>;

  constructor(steps: Map<string, WorkflowStep>, atEnd: Map<string, WorkflowStep>) {
    this.#steps = steps;
    this.#atEnd = atEnd;
  }

  /** Has an agent do it: one that is named, or one of `agents` that a reference chooses. */
  agent<Output = unknown>(
    key: string,
    agent: string | Ref<string> | Ref<unknown>,
    input?: Value,
    options: AgentOptions = {},
  ): Step<Output> {
    return this.#add(key, { agent, with: input }, options);
  }

  /** Calls an MCP tool, as `server/tool`. */
  tool<Output = unknown>(key: string, tool: string, args?: Value, options: StepOptions = {}): Step<Output> {
    return this.#add(key, { tool, with: args }, options);
  }

  /** Runs another workflow, as a run of its own. */
  workflow<Output = unknown>(key: string, name: string, input?: Value, options: StepOptions = {}): Step<Output> {
    return this.#add(key, { workflow: name, with: input }, options);
  }

  /** Computes a value; nothing is sent, nothing waits. */
  value<V>(key: string, value: V, options: StepOptions = {}): Step<Computed<V>> {
    return this.#add(key, { value }, options);
  }

  /** Waits for a time or a signal; a signal's data is the output. */
  wait<Output = null>(key: string, wait: Wait, options: Omit<StepOptions, 'retry' | 'timeout'> = {}): Step<Output> {
    return this.#add(key, { wait }, options);
  }

  /** Asks people, who are shown `shown`; what their form takes is the output's `data`. */
  approval<Data = null>(
    key: string,
    approval: Value<string> | ApprovalOptions,
    shown?: Value,
    options: Omit<StepOptions, 'retry' | 'timeout'> = {},
  ): Step<Answered<Data>> {
    return this.#add(key, { approval, with: shown }, options);
  }

  /** Asks a model, which may call tools, until it answers: with text, or with what `output` describes. */
  llm<Output = { text: string }>(key: string, llm: LlmOptions, options: StepOptions = {}): Step<Output> {
    return this.#add(key, { llm }, options);
  }

  /** Reads a key of shared state; version 0: there is none. */
  readState<V = unknown>(
    key: string,
    state: { key: Value<string>; scope?: Value<string> },
    options: StepOptions = {},
  ): Step<{ value: V | null; version: number }> {
    return this.#add(key, { state }, options);
  }

  /** Writes a key of shared state; with `version` only where it is the newest, else the step fails with `conflict`. */
  writeState(
    key: string,
    state: { key: Value<string>; scope?: Value<string>; set: Value; version?: Value<number> },
    options: StepOptions = {},
  ): Step<{ version: number }> {
    return this.#add(key, { state }, options);
  }

  /** Keeps an artifact: text as it is, all else as JSON. */
  artifact(
    key: string,
    artifact: { name: Value<string>; mediaType?: Value<string>; content: Value },
    options: StepOptions = {},
  ): Step<ArtifactReference> {
    return this.#add(key, { artifact }, options);
  }

  /** Does the one step that `define` adds once for each item; its output is the list of outputs, in order. */
  each<Item, Output>(
    items: Ref<Item[]> | readonly Value<Item>[],
    define: (item: Ref<Item>, index: Ref<number>) => Step<Output>,
    { maxParallel, maxFailures, key: keyOf, needs, ...rest }: ItemOptions<Item> = {},
  ): Step<Output[]> {
    const item = ref<Item>('item');
    const { key } = define(item, ref<number>('index'));
    const step = this.#steps.get(key) as WorkflowStep;
    if (step.forEach !== undefined || step.repeat !== undefined) throw new Error(`the step ${key} has items or turns already`);
    const bounds = { ...(maxParallel !== undefined && { maxParallel }), ...(maxFailures !== undefined && { maxFailures }) };
    const more = { ...rest, ...(keyOf && { key: keyOf(item) }), ...(needs && { needs: needs(item) }) };
    const forEach = plain(Object.keys(more).length === 0 ? items : { items, ...more }) as string;
    this.#steps.set(key, { forEach, ...bounds, ...step });
    return stepOf(key);
  }

  /** Does the one step that `define` adds in turns, one after another, until it is done. */
  repeat<Output>(
    define: (seen: Turns<Output>) => Step<Output>,
    { until, noProgress, ...rest }: RepeatOptions<Output> = {},
  ): Step<Repeated<Output>> {
    const seen: Turns<Output> = { turns: ref('turns'), last: ref('last'), index: ref('index') };
    const { key } = define(seen);
    const step = this.#steps.get(key) as WorkflowStep;
    if (step.forEach !== undefined || step.repeat !== undefined) throw new Error(`the step ${key} has items or turns already`);
    const of = noProgress !== false && noProgress?.of?.(seen);
    const repeat = plain({
      ...rest,
      ...(until && { until: until(seen) }),
      ...(noProgress !== undefined && { noProgress: noProgress && { ...noProgress, ...(of && { of }) } }),
    });
    this.#steps.set(key, { repeat: repeat as Repeat, ...step });
    return stepOf(key);
  }

  /** Says what undoes a step, or each item of it, when it has succeeded and the run fails or is cancelled. */
  compensate(step: Pick<Step<unknown>, 'key'>, by: Compensation): void {
    const known = this.#steps.get(step.key) as WorkflowStep;
    this.#steps.set(step.key, { ...known, compensate: plain(by) as NonNullable<WorkflowStep['compensate']> });
  }

  /** Adds steps that run when all others have ended, in whatever way; `run` is told how. */
  finally(define: (builder: WorkflowBuilder<Input>, run: Ref<EndedRun>) => void): void {
    define(new WorkflowBuilder<Input>(this.#atEnd, this.#atEnd), ref<EndedRun>('run'));
  }

  #add<Output>(key: string, action: object, { needs, ...options }: AgentOptions): Step<Output> {
    if (this.#steps.has(key)) throw new Error(`there are two steps ${key}: give each a key of its own`);
    const step = plain({ ...action, ...(needs && { needs: needs.map((need) => need.key) }), ...options });
    this.#steps.set(key, step as WorkflowStep);
    return stepOf(key);
  }
}

function stepOf<Output>(key: string): Step<Output> {
  const { output, status, errors } = ref<{ [key: string]: Omit<Step<Output>, 'key'> }>('steps')[key] as unknown as Step<Output>;
  return { key, output, status, errors };
}
