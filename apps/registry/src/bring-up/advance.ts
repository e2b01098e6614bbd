import { Injectable } from '@nestjs/common';
import type { StepSource } from '@signalbox/shared/contracts/registry/deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { standingsOf } from '../deployments/agent-standing.ts';
import { Boards } from '../deployments/boards.ts';
import { DeploymentLog } from '../deployments/deployment-log.ts';
import { DeploymentStore, type DeploymentRow } from '../deployments/deployment.store.ts';
import type { InfrastructureFact } from '../deployments/facts.ts';
import { agentNames, planOf, registeredName } from '../deployments/plan.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import { LocalRunner } from '../runners/local-runner.ts';
import { Autoscaler } from '../scaling/autoscaler.ts';
import { ContractStep } from './contract-step.ts';
import { DependencyWatch } from './dependency-watch.ts';
import { MemberStep } from './member-step.ts';
import { MemberWatch } from './member-watch.ts';
import { nextMoves, type Move } from './next-moves.ts';
import { ProbeStep } from './probe-step.ts';
import { RegisteredAgents } from './registered-agents.ts';
import { RunnerStep } from './runner-step.ts';
import type { RegisteredAgent, StepMaker, StepOutcome } from './step-outcome.ts';
import { TrafficStep } from './traffic-step.ts';

/** A step that has failed is looked at this often: what it waited for may have come. */
const failedAgainMs = 5_000;
const notBeforeMax = 50_000;

/** Moves a deployment on by one look at all that can move. */
@Injectable()
export class Advance {
  private readonly makers: Record<Exclude<StepSource, 'reported'>, StepMaker>;
  /** By step: monotonic moments before which another look is not worth it. */
  private readonly notBefore = new Map<string, number>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly agents: RegisteredAgents,
    private readonly log: DeploymentLog,
    private readonly runner: LocalRunner,
    private readonly memberWatch: MemberWatch,
    private readonly memberStep: MemberStep,
    private readonly dependencyWatch: DependencyWatch,
    private readonly driftWatch: DriftWatch,
    private readonly autoscaler: Autoscaler,
    runnerStep: RunnerStep,
    probeStep: ProbeStep,
    contractStep: ContractStep,
    trafficStep: TrafficStep,
  ) {
    this.makers = { runner: runnerStep, probe: probeStep, 'contract-test': contractStep, traffic: trafficStep };
  }

  /** `moved`: look again at once; `moving`: look again soon; `calm`: nothing is to be done. */
  async once(row: DeploymentRow): Promise<'moved' | 'moving' | 'calm'> {
    const plan = planOf(row.manifest);
    const services = await this.boards.look([plan]);
    this.memberWatch.look(row, plan, services);
    const { standings, agents } = await this.db.inWorkspace(row.workspace, async (tx) => {
      const stand = await this.boards.one(tx, row, services);
      return { standings: standingsOf(plan, stand.facts), agents: await this.agents.byName(tx, agentNames(plan)) };
    });
    for (const name of this.runner.agentsOf(row.id)) {
      if (!standings.has(name)) await this.runner.stop(row.id, 'it is not of its deployment any more', name);
    }
    const isUnsettled = await this.dependencyWatch.look(row, standings.values());
    const moves = nextMoves(standings.values());
    const hasMoved = await Promise.all(
      moves.map((move) => this.make(row, move, move.agent.kind === 'agent' ? agents.get(move.agent.agent) : undefined, services)),
    );
    if (hasMoved.includes(true)) return 'moved';
    await this.driftWatch.look(row, services);
    await this.autoscaler.look(row, standings.values(), agents);
    return isUnsettled || moves.some((move) => move.fact.state !== 'failed') ? 'moving' : 'calm';
  }

  /** Whether the step is done now. */
  private async make(
    row: DeploymentRow,
    move: Move,
    agent: RegisteredAgent | undefined,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<boolean> {
    const { fact, step, agent: planned } = move;
    const bearer = row.bearer;
    if (bearer === null || (planned.kind === 'agent' && agent === undefined)) return false;
    const key = `${row.id} ${planned.name} ${step.name}`;
    if (fact.state !== 'pending' && performance.now() < (this.notBefore.get(key) ?? -Infinity)) return false;
    const isNew = fact.state === 'pending';
    // Whether it is missing has to be known first: what is missing is waited for, not begun.
    if (isNew && step.source === 'probe' && agent === undefined && this.memberWatch.answerOf(row.id, planned.name) === undefined)
      return false;
    if (isNew && !(await this.write(row, move, { state: 'begun' }, services))) return false;
    const looked = isNew ? { ...fact, state: 'begun' as const, begunAt: new Date() } : fact;
    const context = { deployment: { ...row, bearer }, planned, step, fact: looked };
    const look =
      agent === undefined
        ? this.memberStep.look({ ...context, isNew })
        : this.makers[step.source as Exclude<StepSource, 'reported'>].look({ ...context, agent });
    const outcome = await look.catch((error: unknown): StepOutcome => {
      if (!(error instanceof Fault))
        log.error('a step could not be looked at', { deployment: row.name, agent: planned.name, step: step.name, err: error });
      return { state: looked.state === 'failed' ? 'failed' : 'begun', note: Fault.from(error).detail };
    });
    const againMs = outcome.state === 'failed' ? failedAgainMs : outcome.againMs;
    if (outcome.state === 'done' || againMs === undefined) this.notBefore.delete(key);
    else {
      // What was forgotten is looked at once too early.
      if (this.notBefore.size >= notBeforeMax) this.notBefore.clear();
      this.notBefore.set(key, performance.now() + againMs);
    }
    // What has failed stays so until it is done: a look in between is no news.
    if (fact.state === 'failed' && outcome.state !== 'done') return false;
    if (outcome.state === looked.state && outcome.note === looked.note && (outcome.fraction ?? 0) === looked.fraction) return false;
    await this.write(row, move, outcome, services);
    return outcome.state === 'done';
  }

  /** Whether it was written. */
  private async write(
    row: DeploymentRow,
    { agent, step }: Move,
    { state, note, fraction = 0 }: StepOutcome,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<boolean> {
    return this.db.inWorkspace(row.workspace, async (tx) => {
      const current = await this.deployments.find(tx, row.name, { lock: true });
      // Stopped, changed or taken over meanwhile: what was seen is not of this deployment any more.
      if (current === null || !current.started || current.hash !== row.hash || current.owner !== row.owner) return false;
      const write = {
        agent: agent.name,
        step: step.name,
        source: step.source,
        state,
        fraction: state === 'done' ? 1 : fraction,
        ...(note !== undefined && { note }),
        by: 'service:registry',
      };
      await this.log.moveStep(tx, current, registeredName(agent), write, services);
      return true;
    });
  }
}
