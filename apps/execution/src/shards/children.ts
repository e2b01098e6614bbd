import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { forkLabel } from '@signalbox/shared/contracts/execution/fork-run.js';
import { counterfactualPrefix, recordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { shardOfUuid } from '@signalbox/shared/contracts/execution/task-id.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { childTraceparent, inCall, traceparentOf } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { isTracing } from '@signalbox/shared/telemetry/tracing.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordedAnswers, type Recorded } from '@signalbox/workflow/core/counterfactual.js';
import type { Effect, Failure, InsteadOf } from '@signalbox/workflow/core/events.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { isOver, unitOf } from '@signalbox/workflow/core/state.js';
import { moreBudgetOf, type AboveBudgets } from '../budgets/above-budgets.ts';
import type { ModelPrices } from '../budgets/model-prices.ts';
import { readJournals } from '../journal/journal-reader.ts';
import { spanOfAttempt } from '../telemetry/run-spans.ts';
import type { Definitions } from '../workflows/definitions.ts';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import { readAside } from '../runs/read-aside.ts';
import type { LimitedRuns } from '../limits/limited-runs.ts';
import { scaledWish } from '../scale-back/scaled-wish.ts';
import { AppendLost, type LiveRun } from './live-run.ts';
import { endOf, type Owner, type RunEnd } from './owner.ts';

/** What a child run is a run of. */
interface Child {
  /** What it is listed under. */
  workflow: string;
  hash: string;
  graph: Graph;
  input: Json;
  labels?: Record<string, string>;
  recorded?: Recorded;
  insteadOf?: InsteadOf | undefined;
}

interface WorkflowRow {
  name: string;
  hash: string;
  manifest: string;
  scaled_because: string | null;
}

type StartChild = Effect & { e: 'startChild' };
const retryMs = 250;

/** Starts the runs that do steps of other runs. Their ids stand in the parents' journals: starting one again is the same insert. */
export class Children {
  /** Runs that are being started, and are not in memory or on disk yet. */
  private readonly starting = new Set<string>();

  constructor(
    private readonly system: SystemDatabase,
    private readonly owner: Owner,
    private readonly definitions: Definitions,
    private readonly prices: ModelPrices,
    private readonly above: AboveBudgets,
    private readonly limitedRuns: LimitedRuns,
    /** Loads a run that lives and is not here, and fences whoever had it; false where it is another owner's. */
    private readonly adopt: (run: string) => Promise<boolean>,
  ) {}

  /** Whether the start of this run is under way: then its parent is needed. */
  isStarting(run: string): boolean {
    return this.starting.has(run);
  }

  start(parent: LiveRun, effect: StartChild): void {
    this.starting.add(effect.run);
    inCall({ traceparent: childTraceparent() }, () => {
      void this.startUntilKnown(parent, effect)
        .catch((err: unknown) => log.error('a child run was not started', { run: parent.id, err }))
        .finally(() => this.starting.delete(effect.run));
    });
  }

  private async startUntilKnown(parent: LiveRun, effect: StartChild): Promise<void> {
    while (this.isWanted(parent, effect) && !this.owner.find(effect.run)) {
      try {
        const end = await this.startOnce(parent, effect);
        if (end) this.tell(parent, effect, end);
        return;
      } catch (thrown) {
        const fault = Fault.from(thrown);
        if (fault.code !== 'unavailable' && fault.code !== 'internal') return this.tell(parent, effect, { error: failureOf(fault) });
        log.debug('a child run is asked for again', { run: parent.id, err: thrown });
        await sleep(retryMs);
      }
    }
  }

  /** Whether its parent is here and still waits for it: a cancel or a timeout ends that. */
  private isWanted(parent: LiveRun, { s, i, run }: StartChild): boolean {
    const unit = unitOf(parent.state, s, i);
    return this.owner.find(parent.uuid) === parent && unit?.child === run && !isOver(unit.status);
  }

  /** Starts it; or, where it was started before and has ended, gives its end. */
  private async startOnce(parent: LiveRun, effect: StartChild): Promise<RunEnd | undefined> {
    const { workspace } = parent.facts;
    const known = await this.known(workspace, effect.run);
    if (known) return known.end;
    const isAgain = effect.workflow === recordedRun && parent.facts.workflow.startsWith('eval/');
    const child = isAgain ? await this.recordedChild(workspace, effect.input) : await this.childOf(parent, effect);
    const { workflow, hash, graph, input, recorded, insteadOf } = child;
    const { facts } = parent;
    const labels = { ...facts.labels, ...child.labels };
    const more = await moreBudgetOf(this.above, this.prices, { workspace, workflow, graph });
    const given = { ...(!recorded && effect.budget), ...more };
    const budget = Object.keys(given).length > 0 && { budget: given };
    const { priority } = parent.state;
    const { within = [] } = effect;
    // What is done again takes no place of those that are done.
    const claims = recorded ? [] : await this.limitedRuns.claim(effect.run, workspace, graph, { input, labels, priority }, within);
    // A parent that was loaded again meanwhile has started it by itself.
    if (this.owner.find(effect.run)) return undefined;
    // What cancelled it meanwhile found no run that it could have told.
    if (!this.isWanted(parent, effect)) {
      this.limitedRuns.left(effect.run);
      return undefined;
    }
    try {
      await this.owner.start(
        effect.run,
        graph,
        {
          workspace,
          workflow,
          definition: hash,
          shard: shardOfUuid(effect.run),
          labels,
          principal: facts.principal,
          principalName: facts.principalName,
          grant: facts.grant,
          parent: parent.uuid,
          timeoutMs: graph.timeoutMs,
          createdAt: new Date(),
        },
        {
          type: 'start',
          input,
          depth: effect.depth,
          ...(recorded && { recorded }),
          ...(priority !== undefined && { priority }),
          claims,
          within,
          ...(insteadOf && { insteadOf }),
          ...budget,
          parent: { run: parent.uuid, s: effect.s, i: effect.i },
          ...(isTracing() && { link: traceparentOf(spanOfAttempt(parent.state, { ...effect, n: attemptOf(parent, effect) })) }),
        },
      );
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof AppendLost)) {
        this.limitedRuns.left(effect.run);
        throw thrown;
      }
      // It was started before, by the owner before us, who told nobody: it has ended, or is ours to go on with.
      const current = await this.known(workspace, effect.run);
      if (current?.end) this.limitedRuns.left(effect.run);
      if (!current && !(await this.adopt(effect.run)))
        throw new Fault('unavailable', 'another owner has the child run', 'Its end is asked for again.');
      return current?.end;
    }
  }

  /** A child run of an applied workflow, or of the smaller one that it names while capacity is short. */
  private async childOf(parent: LiveRun, { workflow: name, input }: StartChild): Promise<Child> {
    const { workspace, labels } = parent.facts;
    const rows: WorkflowRow[] = await this.system.source.query(
      `SELECT w.name, d.hash, d.manifest, w.scaled_because FROM workflow w JOIN definition d ON d.workspace = w.workspace AND d.hash = w.hash
        WHERE w.workspace = $1 AND (w.name = $2 OR w.name =
          (SELECT s.scale_to FROM workflow s WHERE s.workspace = $1 AND s.name = $2 AND s.scaled_at IS NOT NULL))`,
      [workspace, name],
    );
    const row = rows.find((one) => one.name === name);
    if (!row) throw new Fault('not_found', `there is no workflow ${name}`, 'Apply its manifest, or correct the step.');
    const other = rows.find((one) => one.name !== name);
    const smaller = other && { definition: definitionIn(other), because: row.scaled_because ?? '' };
    const { definition, ...wish } = scaledWish({ workflow: name, definition: definitionIn(row), input, labels, smaller });
    const graph = this.definitions.compile(definition);
    checkInput(definition.manifest.spec.input, input);
    return { ...wish, hash: definition.hash, graph, input };
  }

  /** A recorded run, done again with a version of an agent: all that it asks others is answered by its record. */
  private async recordedChild(workspace: string, input: Json): Promise<Child> {
    const { run, agent, version, onDivergence } = input as { run: string; agent: string; version: number; onDivergence: string };
    const gone = new Fault('not_found', `the run ${run} cannot be done again: it is not kept any more`, 'Start the eval again.');
    const uuid = toUuid(run, 'run');
    const rows: { workflow: string; definition: string }[] = await this.system.source.query(
      `SELECT workflow, definition FROM run WHERE workspace = $1 AND run_id = $2 AND status = 'succeeded'`,
      [workspace, uuid],
    );
    const [row] = rows;
    if (!row) throw gone;
    const journal = (await readJournals(this.system.source, [uuid])).get(uuid) ?? [];
    const transitions = journal.flatMap((each) => each.transitions);
    const state = await this.definitions.restore(this.system.source, workspace, uuid, row.definition, transitions);
    const answers = recordedAnswers(state, agent);
    if (answers === undefined) throw gone;
    const { hash } = state.graph;
    return {
      workflow: `${counterfactualPrefix}${row.workflow}`,
      hash,
      // In a run that went over to another definition, steps have other ids.
      graph: await this.definitions.graphOf(this.system.source, workspace, hash),
      input: state.input,
      labels: { [forkLabel]: run },
      recorded: { run: { ...state.scope.run }, agent, version, answers, ...(onDivergence === 'reuse' && { isReused: true }) },
    };
  }

  /** A run that has ended, with its end, or that rests: it is woken like any other. Undefined for what is to be started or loaded. */
  private async known(workspace: string, uuid: string): Promise<{ end?: RunEnd } | undefined> {
    const rows: { definition: string; status: string; reason: string | null }[] = await this.system.source.query(
      `SELECT definition, status, reason FROM run WHERE run_id = $1 AND (status <> 'running' OR wake_at IS NOT NULL)`,
      [uuid],
    );
    const [row] = rows;
    if (!row) return undefined;
    if (row.status === 'running') return {};
    if (row.reason === 'quarantined')
      return { end: endOf((await readAside(this.system.source, this.definitions, { run_id: uuid, workspace, ...row })).state) };
    const journal = (await readJournals(this.system.source, [uuid])).get(uuid) ?? [];
    const transitions = journal.flatMap((each) => each.transitions);
    return { end: endOf(await this.definitions.restore(this.system.source, workspace, uuid, row.definition, transitions)) };
  }

  private tell(parent: LiveRun, { s, i, run }: StartChild, end: RunEnd): void {
    if (this.owner.find(parent.uuid) === parent) this.owner.feed(parent, { type: 'childEnded', s, i, child: run, ...end });
  }
}

function definitionIn({ hash, manifest }: WorkflowRow): Definition {
  return { hash, manifest: JSON.parse(manifest) as WorkflowManifest };
}

function attemptOf({ state }: LiveRun, { s, i }: StartChild): number {
  return unitOf(state, s, i)?.attempt ?? 1;
}

function failureOf(fault: Fault): Failure {
  return { code: fault.code, detail: fault.detail, next: fault.next };
}
