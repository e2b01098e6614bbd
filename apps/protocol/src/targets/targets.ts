import { Injectable } from '@nestjs/common';
import type { BreakerTarget } from '../breakers/breaker.ts';
import { Breakers } from '../breakers/breakers.ts';
import { ModelTargets } from '../models/model-target.ts';
import { ArtifactWriter } from '../tasks/artifact-writer.ts';
import { nothing, type TaskCall } from '../tasks/task.ts';
import { untilAborted } from '../tasks/until-aborted.ts';
import { AgentTargets } from './agent-targets.ts';
import { artifactContent } from './artifact-target.ts';
import { StateTargets } from './state-targets.ts';
import { splitTool } from './tool-name.ts';
import { ToolCaller } from './tool-caller.ts';

/** Does what a task asks of its target. */
@Injectable()
export class Targets {
  constructor(
    private readonly breakers: Breakers,
    private readonly agents: AgentTargets,
    private readonly tools: ToolCaller,
    private readonly models: ModelTargets,
    private readonly artifacts: ArtifactWriter,
    private readonly states: StateTargets,
  ) {}

  /** The target's output. Rejects with a Fault that says what went wrong there. */
  async perform(call: TaskCall): Promise<unknown> {
    const { agent, tool, artifact, state, model } = call.request;
    const { workspace } = call.caller;
    if (agent !== undefined) {
      return this.call(call, `agent/${agent}`, () => this.agents.prepare(call, agent));
    }
    if (tool !== undefined) {
      const { server, name } = splitTool(tool);
      return this.breakers.call(workspace, `mcp-server/${server}`, () =>
        untilAborted(this.tools.outputOf(call, server, name, call.request.input ?? {}), call.signal),
      );
    }
    if (model !== undefined) {
      return this.call(call, `model/${model.model}`, () => this.models.prepare(call, model));
    }
    if (state !== undefined) return this.states.perform(call, state);
    const { id, name, mediaType, size, sha256 } = await this.artifacts.write(call, { ...artifactContent(artifact!), purpose: 'artifact' });
    return { id, name, mediaType, size, sha256 };
  }

  /** Calls what was prepared, unless its breaker is open. */
  private async call(call: TaskCall, target: BreakerTarget, prepare: () => Promise<() => Promise<unknown>>): Promise<unknown> {
    let isBegun = false;
    try {
      const work = await prepare();
      if (call.request.isMirror === true) {
        // A version that fails must not close the way to the stable one.
        isBegun = true;
        return await untilAborted(work(), call.signal);
      }
      return await this.breakers.call(call.caller.workspace, target, () => {
        isBegun = true;
        return untilAborted(work(), call.signal);
      });
    } catch (thrown) {
      if (!isBegun) call.use(nothing);
      throw thrown;
    }
  }
}
