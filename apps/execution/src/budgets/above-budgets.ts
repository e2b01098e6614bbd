import { Injectable } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { AboveBudget, Measure, MoreBudget } from '@signalbox/workflow/core/budget.js';
import { agentsOf, type Graph } from '@signalbox/workflow/core/graph.js';
import { amountsSql, type Amounts } from './budget-row.ts';
import type { ModelPrices } from './model-prices.ts';

/** A run counts for a budget that was made so long before it began; most workspaces have none, and cost one query in this time. */
const keepMs = 2_000;
const knownMax = 10_000;
/** Budgets of one workspace: beyond, they are refused. */
export const budgetsMax = 1_000;

const readSql = `SELECT b.scope, ${amountsSql} FROM budget b WHERE b.workspace = $1 ORDER BY b.scope LIMIT $2`;

/** What a run of this graph counts for and is bound to: the budgets above it, and prices; undefined where nothing limits what it uses. */
export async function moreBudgetOf(
  budgets: AboveBudgets,
  modelPrices: ModelPrices,
  { workspace, workflow, graph }: { workspace: string; workflow: string; graph: Graph },
): Promise<MoreBudget | undefined> {
  const above = await budgets.of(workspace, workflow, graph);
  const prices = await modelPrices.of(graph, above);
  return prices || above ? { ...(prices && { prices }), ...(above && { above }) } : undefined;
}

/** Which budgets a run counts for. */
@Injectable()
export class AboveBudgets {
  private readonly known = new Map<string, { budgets: Promise<Map<string, AboveBudget>>; at: number }>();

  constructor(private readonly system: SystemDatabase) {}

  /** Those of its workspace, of its workflow, and of the agents that may do its steps; undefined where there are none. */
  async of(workspace: string, workflow: string, graph: Graph): Promise<AboveBudget[] | undefined> {
    const budgets = await this.budgetsOf(workspace);
    if (budgets.size === 0) return undefined;
    // Whoever has the skill of such a step may take it over, and nobody knows yet who that is.
    const isAnyones = graph.steps.some(({ failover }) => failover !== undefined && failover.to === undefined);
    const agents = isAnyones ? [...budgets.keys()].filter((scope) => scope.startsWith('agent/')) : [];
    const named = agentsOf(graph).map((agent) => `agent/${agent}`);
    const scopes = new Set(['workspace', `workflow/${workflow}`, ...named, ...agents]);
    const above = [...scopes].flatMap((scope) => budgets.get(scope) ?? []);
    return above.length > 0 ? above : undefined;
  }

  /** One of them was changed here. */
  forget(workspace: string): void {
    this.known.delete(workspace);
  }

  private budgetsOf(workspace: string): Promise<Map<string, AboveBudget>> {
    const known = this.known.get(workspace);
    if (known && performance.now() - known.at < keepMs) return known.budgets;
    const budgets = this.read(workspace);
    if (this.known.size >= knownMax) this.known.clear();
    const entry = { budgets, at: performance.now() };
    this.known.set(workspace, entry);
    budgets.catch(() => {
      if (this.known.get(workspace) === entry) this.known.delete(workspace);
    });
    return budgets;
  }

  private async read(workspace: string): Promise<Map<string, AboveBudget>> {
    const rows = await this.system.run((tx) => tx.query<(Amounts & { scope: string })[]>(readSql, [workspace, budgetsMax]));
    return new Map(
      rows.map(({ scope, limit, per_call: perCall }) => {
        const measures = Object.keys(limit) as Measure[];
        return [scope, { scope, measures, ...(Object.keys(perCall).length > 0 && { perCall }) }];
      }),
    );
  }
}
