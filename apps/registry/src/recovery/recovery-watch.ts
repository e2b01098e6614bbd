import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { FaultCause } from '@signalbox/shared/contracts/registry/isolation.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { IncidentStore } from '../incidents/incident.store.ts';
import { RegistryConfig } from '../registry.config.ts';
import { LocalRunner } from '../runners/local-runner.ts';
import { IsolationStore, wholeAgent, type IsolationRow } from './isolation.store.ts';
import { itself, Recovery } from './recovery.ts';

const everyMs = 250;
/** What one round looks at; the next takes the rest. */
const roundMax = 500;
/** Reminders and ends of incidents are no matter of a second. */
const incidentsEveryMs = 1_000;
/** An instance that comes back under its name within this, as one does that is started anew, is still isolated. */
const goneMs = 60_000;
/** Resolved incidents are kept for 90 days. */
const keepMs = 90 * 86_400_000;
/** Incidents that end by themselves when all is well again; the others wait for somebody to look into them. */
const passing: FaultCause[] = ['lost', 'errors', 'slow', 'crash-loop', 'probe', 'dependency', 'capacity', 'by-hand'];

/** Makes the attempts to recover that are due, tells incidents again, and ends those that are over. Each replica does; the rows' locks make it once. */
@Injectable()
export class RecoveryWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private incidentsAt = -Infinity;
  /** What is on trial, as of the last round. */
  trials: readonly IsolationRow[] = [];

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly isolations: IsolationStore,
    private readonly incidents: IncidentStore,
    private readonly recovery: Recovery,
    private readonly runner: LocalRunner,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      // A round that takes long is not followed by a queue of them.
      this.round ??= this.look()
        .catch((err: unknown) => log.warn('what is isolated was not looked after', { err }))
        .finally(() => (this.round = null));
    }, everyMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  private async look(): Promise<void> {
    const { due, trials } = await this.system.run(async (tx) => ({
      due: await this.isolations.due(tx, roundMax),
      trials: await this.isolations.onTrial(tx, roundMax),
    }));
    this.trials = trials;
    for (const row of due) await this.attempt(row);
    const moment = performance.now();
    if (moment - this.incidentsAt < incidentsEveryMs) return;
    this.incidentsAt = moment;
    await this.lookAfterIncidents();
  }

  private async attempt(row: IsolationRow): Promise<void> {
    if (row.instance === wholeAgent) return this.recovery.replaced(row, 'it is let in again');
    const place = await this.placeOf(row);
    if (place === 'elsewhere') return;
    if (place === 'gone') return this.recovery.replaced(row, 'it has ended');
    if (place === 'external') return this.recovery.beginTrial(row);
    if (!(await this.recovery.beginReplacing(row))) return;
    // The key is taken back and the new process started meanwhile; a process that hangs takes its time to end.
    void this.runner
      .replace(row.workspace, row.agent, row.instance, `it was isolated: ${row.because}`)
      .then(() => this.recovery.replaced(row, 'another process is in its place'))
      .catch((err: unknown) => log.warn('a process was not replaced', { agent: row.agent, instance: row.instance, err }));
  }

  /** Whose it is to recover: a process that this replica runs, or another; somebody else's; or nobody's, since it is not there any more. */
  private async placeOf({ workspace, agent, instance }: IsolationRow): Promise<'here' | 'elsewhere' | 'external' | 'gone'> {
    const ours = this.runner.stateOf(workspace, agent, instance);
    // What has ended is started again by whoever watches it.
    if (ours !== null) return ours === 'running' ? 'here' : 'elsewhere';
    const [row] = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<{ status: string; runner: string; is_run: boolean }[]>(
        `SELECT status, runner, EXISTS (SELECT 1 FROM runner_process AS p WHERE p.registered_agent = $1 AND p.instance = $2) AS is_run
         FROM instance WHERE agent = $1 AND instance = $2`,
        [agent, instance],
      ),
    );
    if (row?.is_run === true) return 'elsewhere';
    return row === undefined || row.status === 'gone' || row.runner === 'local' ? 'gone' : 'external';
  }

  private async lookAfterIncidents(): Promise<void> {
    const { left, reminders, quiet } = await this.system.run(async (tx) => {
      await this.incidents.forget(tx, keepMs, roundMax);
      return {
        left: await this.isolations.left(tx, goneMs, roundMax),
        reminders: await this.incidents.dueReminders(tx, roundMax),
        quiet: await this.incidents.quiet(tx, passing, this.config.recoverySettleMs, roundMax),
      };
    });
    for (const { workspace, id } of reminders) await this.db.inWorkspace(workspace, (tx) => this.incidents.remind(tx, id));
    for (const { workspace, id } of quiet) await this.end(workspace, id);
    for (const row of left) await this.recovery.letGo(row);
  }

  private async end(workspace: string, id: string): Promise<void> {
    await this.db
      .inWorkspace(workspace, async (tx) => {
        const row = await this.incidents.lock(tx, id);
        if (row.status === 'resolved') return;
        await this.incidents.resolve(tx, id, itself);
        await this.incidents.add(tx, row, { stage: 'resolved', text: 'all has been well for a while', by: itself });
      })
      .catch((thrown: unknown) => {
        // Another replica has ended and forgotten it.
        if (Fault.from(thrown).code !== 'not_found') throw thrown;
      });
  }
}
