import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { EvalStart } from '../evals/eval-start.ts';
import { EvalSuiteStore } from '../evals/eval-suite.store.ts';
import type { AgentManifest } from '../manifests/manifest.ts';
import type { RolloutRow } from './rollout-row.ts';
import { RolloutStore } from './rollout.store.ts';

/** Puts suites to a version when its rollout begins: what they find out is evidence, which the rollout waits for. */
@Injectable()
export class RolloutEvals {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly evals: EvalStart,
    private readonly suites: EvalSuiteStore,
    private readonly store: RolloutStore,
  ) {}

  /** `invalid` where a suite is not there, `forbidden` where the caller may run none. */
  async check(tx: EntityManager, { spec: { rollout } }: AgentManifest, caller: Caller): Promise<void> {
    const { evals = [] } = rollout ?? {};
    if (evals.length > 0) requirePermission(caller, 'evals:run');
    for (const [index, name] of evals.entries()) {
      if ((await this.suites.find(tx, name)) !== null) continue;
      throw new Fault('invalid', `there is no eval suite ${name}`, 'Apply the suite first, or leave it out.', {
        errors: [{ pointer: `/spec/rollout/evals/${index}`, detail: `names no suite: ${name}` }],
      });
    }
  }

  /** Starts them, once the rollout is written; nobody waits for that. One that cannot be started is told in its history: the rollout waits for it. */
  begin(row: RolloutRow, caller: Caller): void {
    // Apart from the call that led here: its deadline is not theirs.
    inCall({ traceparent: childTraceparent() }, () => {
      void this.start(row, caller).catch((err: unknown) => log.warn('evals of a rollout were not started', { rollout: row.id, err }));
    });
  }

  private async start(row: RolloutRow, caller: Caller): Promise<void> {
    for (const suite of row.plan.evals ?? []) {
      const text = await this.evals
        .start({ suite, agent: row.agent_name, version: row.version }, caller)
        .then(({ id }) => `${suite} is put to version ${row.version}: ${id}`)
        .catch((thrown: unknown) => {
          const fault = Fault.from(thrown);
          if (fault.code === 'internal') log.error('an eval of a rollout was not started', { suite, err: thrown });
          const again = `signalbox evals run ${suite} --agent ${row.agent_name}@${row.version}`;
          return `${suite} could not be put to version ${row.version}: ${fault.detail}. ${again}`;
        });
      await this.db.inWorkspace(row.workspace, (tx) => this.store.record(tx, row, 'eval', caller.principal, text));
    }
  }
}
