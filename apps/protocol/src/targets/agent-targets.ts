import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';
import { resolveAgent, type ResolveAgentReply } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { LlmAgent } from '../models/llm-agent.ts';
import type { TaskCall } from '../tasks/task.ts';
import type { AgentSpec, McpSpec } from './agent-spec.ts';
import { HttpAgent } from './http-agent.ts';
import { ToolCaller } from './tool-caller.ts';

/** Calls agents by what they are. */
@Injectable()
export class AgentTargets {
  constructor(
    private readonly bus: Bus,
    private readonly tools: ToolCaller,
    private readonly http: HttpAgent,
    private readonly llm: LlmAgent,
  ) {}

  /** What is to be done, ready to be called: what is wrong with the request shows before the agent is bothered. */
  async prepare(call: TaskCall, name: string): Promise<() => Promise<unknown>> {
    const { agentVersion } = call.request;
    const agent = await this.bus.request(resolveAgent, { name, ...(agentVersion !== undefined && { version: agentVersion }) }, call.caller);
    const spec = agent.spec as AgentSpec;
    if (agent.kind === 'mcp' && spec.mcp) {
      const { server } = spec.mcp;
      const tool = toolOfSkill(agent, spec.mcp, call.request.skill);
      return () => this.tools.outputOf(call, server, tool, call.request.input ?? {});
    }
    const skill = skillOf(agent, call.request.skill);
    if (agent.kind === 'http' && spec.http) {
      const { http } = spec;
      return () => this.http.call(call, name, http, skill);
    }
    if (agent.kind === 'llm' && spec.llm) {
      const { llm } = spec;
      return () => this.llm.call(call, name, llm, skill);
    }
    throw new Fault(
      'invalid',
      `the agent ${name} is a ${agent.kind}, which is not called but asks for its tasks itself`,
      'Bring up an instance of it.',
    );
  }
}

/** The declared skill that is asked for; the only one where none is named; none where none is declared. */
export function skillOf({ name, skills }: ResolveAgentReply, asked: string | undefined): Skill | undefined {
  if (skills.length === 0 && asked === undefined) return undefined;
  const found = asked === undefined && skills.length === 1 ? skills[0] : skills.find((skill) => skill.name === asked);
  if (found) return found;
  const names = skills.map((skill) => skill.name).join(', ') || 'none';
  throw asked === undefined
    ? new Fault('invalid', `the agent ${name} has several skills`, `Name one of: ${names}.`)
    : new Fault('not_found', `the agent ${name} has no skill ${asked}`, `It has: ${names}.`);
}

/** The tool behind a skill of an `mcp` agent: it has the same name. */
export function toolOfSkill({ name, skills }: ResolveAgentReply, { tools }: McpSpec, asked: string | undefined): string {
  const offered = tools ?? (skills.length > 0 ? skills.map((skill) => skill.name) : undefined);
  if (asked !== undefined) {
    if (offered === undefined || offered.includes(asked)) return asked;
    throw new Fault('not_found', `the agent ${name} has no skill ${asked}`, `It has: ${offered.join(', ')}.`);
  }
  if (offered?.length === 1) return offered[0]!;
  throw new Fault('invalid', `the agent ${name} has several skills`, 'Name one: each tool of its server is a skill.');
}
