import type { Bus } from '@signalbox/shared/bus/bus.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Failure } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { workOf } from '@signalbox/workflow/core/scope.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import { wrongAnswer } from '@signalbox/workflow/language/answer-schema.js';
import type { LiveRun } from '../shards/live-run.ts';
import type { AgentDirectory, KnownAgent } from './agent-directory.ts';

/** Holds what agents answer against the `outputSchema` of their skills. */
export class PromisedAnswers {
  constructor(
    private readonly agents: AgentDirectory,
    private readonly bus: Bus,
  ) {}

  /**
   * The failure that an answer is which its skill does not promise: no step that goes on with it could use it, and another instance may do better.
   * Undefined where it is as promised, or nothing is. What a rollout sent to a version is held against what that one promises; of one that a step names and is not
   * the current one nothing is known.
   */
  async failureOf(run: LiveRun, { s, i }: { s: number; i: number }, answer: Json): Promise<Failure | undefined> {
    const { kind, target, skill, version } = workOf(run.state, s, i);
    if (kind !== 'agent') return undefined;
    const current = this.agents.lastKnown(run.facts.workspace, target) ?? (await this.ask(run, target));
    const routed = unitOf(run.state, s, i)?.version;
    const agent = routed === undefined || routed === current?.version ? current : await this.ask(run, target, routed);
    if (agent === undefined || agent.promised.size === 0 || (version !== undefined && version !== agent.version)) return undefined;
    const name = skill ?? (agent.skills.length === 1 ? agent.skills[0] : undefined);
    const schema = name === undefined ? undefined : agent.promised.get(name);
    const wrong = schema && wrongAnswer(schema, answer);
    if (wrong === undefined) return undefined;
    return {
      code: 'unavailable',
      detail: `its answer is not what the skill ${name} of ${target} promises: ${wrong}`,
      next: 'Correct the agent, or the outputSchema of its skill.',
    };
  }

  /** After a take-over nothing is known of agents whose queues are elsewhere. While the registry is away answers are taken as they are. */
  private async ask({ facts: { workspace, grant } }: LiveRun, agent: string, version?: number): Promise<KnownAgent | undefined> {
    try {
      if (version !== undefined) return await this.agents.findVersion(workspace, agent, version, () => this.bus.as(grant));
      return await this.agents.find(workspace, agent, await this.bus.as(grant));
    } catch (err) {
      log.debug('an answer was not held against its schema', { agent, err });
      return undefined;
    }
  }
}
