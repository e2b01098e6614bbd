import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { rowsOf } from '../database/sql.ts';
import { RegistryConfig } from '../registry.config.ts';
import { itself, LiveEvidence, pieceMax } from './live-evidence.ts';
import { callsDays, callsMin } from './live-metrics.ts';

/** How often what calls do is measured anew, while a version has calls: long before evidence expires, and few pieces a version. */
const everyMs = 12 * 3_600_000;
/** Looks at KPIs between looks at who is to be measured: the question is a large one, and its answer changes by the hour. */
const looks = 10;
/** Versions that one round measures; the next takes the rest. */
const roundMax = 100;

interface Due {
  workspace: string;
  agent: string;
  version: number;
}

/** Measures versions that have calls, before their evidence is old; the others when somebody asks, or promotes them. Each replica does; the agent's lock makes it once. */
@Injectable()
export class LiveWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private isStopping = false;

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly evidence: LiveEvidence,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.round ??= this.look()
        .catch((err: unknown) => log.warn('versions of agents were not measured', { err }))
        .finally(() => (this.round = null));
    }, this.config.kpiLookMs * looks);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  private async look(): Promise<void> {
    for (const { workspace, agent, version } of await this.due()) {
      if (this.isStopping) return;
      await this.db
        .inWorkspace(workspace, (tx) => this.evidence.measure(tx, { workspace, ...itself }, { agent, version }, everyMs, now()))
        .catch((err: unknown) => log.warn('a version of an agent is measured later', { agent, version, err }));
    }
  }

  /** Versions that had enough calls since they were measured last. */
  private due(): Promise<Due[]> {
    return this.system.run((tx) =>
      rowsOf<Due>(
        tx,
        `SELECT k.workspace, k.agent, k.version FROM kpi_bucket AS k
           JOIN agent AS a ON a.workspace = k.workspace AND a.name = k.agent
         WHERE k.width = 'hour' AND k.version > 0 AND k.kpi = 'agent-errors' AND k.at >= now() - make_interval(days => $1)
         GROUP BY k.workspace, k.agent, k.version, a.id
         HAVING sum(k.count) >= $2 AND max(k.at) + interval '1 hour' > coalesce((SELECT max(e.created_at) FROM evidence AS e
             WHERE e.workspace = k.workspace AND e.agent = a.id AND e.version = k.version AND e.format = 'live' AND e.metrics ? 'performance.calls'),
             '-infinity')
           AND NOT EXISTS (SELECT 1 FROM evidence AS e WHERE e.workspace = k.workspace AND e.agent = a.id AND e.version = k.version
             AND e.format = 'live' AND e.metrics ? 'performance.calls' AND e.created_at > now() - $3::float8 * interval '1 millisecond')
           AND (SELECT count(*) FROM evidence AS e WHERE e.workspace = k.workspace AND e.agent = a.id AND e.version = k.version AND e.format = 'live') < $5
         ORDER BY 1, 2, 3 LIMIT $4`,
        [callsDays, callsMin, everyMs, roundMax, pieceMax],
      ),
    );
  }
}
