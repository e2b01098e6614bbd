import { Injectable } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { AboveBudget, Measure } from '@signalbox/workflow/core/budget.js';
import { agentsOf, type Graph } from '@signalbox/workflow/core/graph.js';
import { amountsSql, type Amounts } from './budget-row.ts';

/** A run counts for a budget that was made so long before it began; most workspaces have none, and cost one query in this time. */
const keepMs = 2_000;
const knownMax = 10_000;
/** Budgets of one workspace: beyond, they are refused. */
export const budgetsMax = 1_000;

const readSql = `SELECT b.scope, ${amountsSql} FROM budget b WHERE b.workspace = $1 ORDER BY b.scope LIMIT $2`;

/** Which budgets a new run counts for. */
@Injectable()
export class AboveBudgets {
  private readonly known = new Map<string, { budgets: Promise<Map<string, AboveBudget>>; at: number }>();

  constructor(private readonly system: SystemDatabase) {}

  /** Those of its workspace, of its workflow, and of the agents that its graph names; undefined where there are none. */
  async of(workspace: string, workflow: string, graph: Graph): Promise<AboveBudget[] | undefined> {
    const budgets = await this.budgetsOf(workspace);
    if (budgets.size === 0) return undefined;
    const scopes = ['workspace', `workflow/${workflow}`, ...agentsOf(graph).map((agent) => `agent/${agent}`)];
    const above = scopes.flatMap((scope) => budgets.get(scope) ?? []);
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
