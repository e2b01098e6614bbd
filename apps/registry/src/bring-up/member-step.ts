import { Injectable } from '@nestjs/common';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { MigrationRunner } from '../runners/migration-runner.ts';
import { MemberWatch } from './member-watch.ts';
import { notYet, type StepContext, type StepOutcome } from './step-outcome.ts';

const limitMs = 60_000;
const againMs = 1_000;

export interface MemberStepContext extends Omit<StepContext, 'agent'> {
  /** It was begun just now, by this look. */
  isNew: boolean;
}

/** Looks at the steps of members that are no agents: what their service says, or how the command of a migration goes. */
@Injectable()
export class MemberStep {
  constructor(
    private readonly watch: MemberWatch,
    private readonly migrations: MigrationRunner,
  ) {}

  async look(context: MemberStepContext): Promise<StepOutcome> {
    return context.planned.kind === 'migration' ? this.migrate(context) : this.probe(context);
  }

  private probe({ deployment, planned, fact }: MemberStepContext): StepOutcome {
    const answer = this.watch.answerOf(deployment.id, planned.name);
    if (answer?.standing === 'well') return { state: 'done', note: answer.note };
    return notYet(fact, answer?.note ?? 'its service has not answered yet', { limitMs, againMs, now: now() });
  }

  private async migrate({ deployment, planned, fact, isNew }: MemberStepContext): Promise<StepOutcome> {
    const member = planned.member!;
    // What failed may have been half done: it is run again when somebody starts the deployment again, never by itself.
    if (fact.state === 'failed') return { state: 'failed', ...(fact.note !== undefined && { note: fact.note }) };
    if (isNew) {
      await this.migrations.begin({ deployment, member: { ...member, command: member.command! } });
      return { state: 'begun', note: 'its command runs' };
    }
    const state = this.migrations.stateOf(deployment.id, planned.name);
    if (state === null)
      return { state: 'failed', note: 'the registry that ran it ended; nobody knows how far it got: look, and start the deployment again' };
    return state.state === 'running' ? { state: 'begun', note: 'its command runs' } : state;
  }
}
