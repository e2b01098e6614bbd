import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { upgradeRun, type UpgradeRunReply, type UpgradeRunRequest } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { AboveBudgets, moreBudgetOf } from '../budgets/above-budgets.ts';
import { ModelPrices } from '../budgets/model-prices.ts';
import { Engine } from '../shards/engine.ts';
import { Definitions } from '../workflows/definitions.ts';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { RunFinder } from './run-finder.ts';
import { runView } from './run-view.ts';
import { upgradeOf } from './upgrade.ts';

@Controller()
export class UpgradeRunHandler {
  constructor(
    private readonly engine: Engine,
    private readonly finder: RunFinder,
    private readonly workflows: WorkflowStore,
    private readonly definitions: Definitions,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
    private readonly above: AboveBudgets,
    private readonly prices: ModelPrices,
  ) {}

  @Handles(upgradeRun)
  async handle(@Payload() { run, hash, dryRun = false }: UpgradeRunRequest, @FromCaller() caller: Caller): Promise<UpgradeRunReply> {
    const { workspace, name } = caller;
    const before = await this.finder.view(workspace, run, ({ state, facts }) => ({ workflow: facts.workflow, hash: state.graph.hash }));
    const from = await this.read(workspace, before.hash);
    const to = await this.target(workspace, before.workflow, hash);
    const graph = this.definitions.compile(to);
    const look = (): Promise<UpgradeRunReply> =>
      this.finder.view(workspace, run, ({ state, facts }) => ({ ...upgradeOf(state, from, to, graph), run: runView(state, facts, false) }));
    const preview = await look();
    if (dryRun || preview.outcome === 'unchanged') return preview;
    if (preview.outcome === 'impossible') throw refused(preview);
    const budget = await moreBudgetOf(this.above, this.prices, { workspace, workflow: before.workflow, graph });
    // The record of who wanted it is written first: an upgrade without one is refused.
    await this.db.inWorkspace(workspace, (tx) =>
      this.audit.append(tx, caller, { action: 'run.upgrade', target: `run ${run}`, detail: { from: from.hash, to: to.hash } }),
    );
    const outcome = await this.engine.deliver(toUuid(run, 'run'), { type: 'upgrade', by: name, graph, ...(budget && { budget }) });
    if (outcome === undefined)
      throw new Fault('unavailable', 'no owner answers for the run at the moment', 'Try again in a moment.', {
        service: 'execution',
        retryAfterMs: 500,
      });
    const after = await this.finder.view(workspace, run, ({ state, facts }) => runView(state, facts, false));
    if (outcome === 'stale') throw refused(await look()); // it has gone on meanwhile
    return { ...preview, outcome: 'upgraded', run: after };
  }

  private async target(workspace: string, workflow: string, hash: string | undefined): Promise<Definition> {
    if (hash !== undefined) return this.read(workspace, hash);
    const found = await this.workflows.get(workspace, workflow);
    if (found === null) throw unknownWorkflow(workflow);
    return found.definition;
  }

  private async read(workspace: string, hash: string): Promise<Definition> {
    const found = await this.db.inWorkspace(workspace, (tx) => this.definitions.find(tx, workspace, hash));
    if (found !== null) return found;
    throw new Fault('not_found', `there is no definition ${hash} here`, 'Apply it as a workflow, or leave the hash out.');
  }
}

function refused({ obstacles, from, to }: UpgradeRunReply): Fault {
  const [first] = obstacles;
  const detail =
    obstacles.length === 1 && first
      ? `${first.step ?? 'the run'}: ${first.because}`
      : `the run does not fit the new definition in ${obstacles.length} places`;
  const errors = obstacles.map(({ step, because }) => ({ pointer: step === null ? '' : `/spec/steps/${step}`, detail: because }));
  const next = from === to ? 'Nothing needs to be done.' : 'Change the workflow where `errors` says so, or let the run end as it began.';
  return new Fault('conflict', detail, next, { errors });
}
