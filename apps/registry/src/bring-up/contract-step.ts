import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { McpTools } from './mcp-tools.ts';
import { notYet, type StepContext, type StepMaker, type StepOutcome } from './step-outcome.ts';

/** A harmless call answers within this, or it is none. */
const callWaitMs = 20_000;
const limitMs = 60_000;
/** Each call is a run that people see: not more of them than this. */
const againMs = 5_000;

/** Whether an agent does what its manifest says: one declared call, else its skills against what it offers. */
@Injectable()
export class ContractStep implements StepMaker {
  constructor(
    private readonly bus: Bus,
    private readonly tools: McpTools,
  ) {}

  async look(context: StepContext): Promise<StepOutcome> {
    const fault = context.step.call === undefined ? await this.compare(context) : await this.call(context, context.step.call);
    return typeof fault === 'string' ? notYet(context.fact, fault, { limitMs, againMs, now: now() }) : fault;
  }

  /** The declared call, made as a run like any other. */
  private async call({ deployment, agent }: StepContext, call: { skill: string; input?: unknown }): Promise<StepOutcome | string> {
    try {
      const caller = await this.bus.as(deployment.bearer);
      const run = await this.bus.request(
        invokeAgent,
        {
          agent: agent.name,
          skill: call.skill,
          input: call.input ?? {},
          labels: { 'signalbox.dev/contract-test': deployment.name },
          waitMs: callWaitMs,
        },
        caller,
        { timeoutMs: callWaitMs + 5_000 },
      );
      if (run.status !== 'succeeded') return `its skill ${call.skill} was called: the run ${run.id} is ${run.status}`;
      const schema = agent.skills.find((skill) => skill.name === call.skill)?.outputSchema;
      const mismatch = schema === undefined ? null : mismatchOf(schema, run.output);
      if (mismatch !== null) return `its skill ${call.skill} answered what its schema forbids: ${mismatch}`;
      return { state: 'done', note: `its skill ${call.skill} was called and answered as it should (${run.id})` };
    } catch (error) {
      return `its skill ${call.skill} could not be called: ${Fault.from(error).detail}`;
    }
  }

  /** Skills that the manifest declares against what is offered. Schemas were compiled when the manifest was applied. */
  private async compare({ deployment, agent }: StepContext): Promise<StepOutcome | string> {
    const declared = agent.skills.map((skill) => skill.name);
    if (agent.spec.kind === 'worker') return compareNames(declared, agent.announced, 'announces');
    if (agent.spec.kind !== 'mcp') return { state: 'done', note: `its ${declared.length} skills have schemas that can be used` };
    const { server, tools = [] } = agent.spec.mcp!;
    try {
      const offered = await this.tools.namesOf(server, await this.bus.as(deployment.bearer));
      return compareNames([...new Set([...tools, ...declared])], offered, `(by its server ${server}) offers`);
    } catch (error) {
      return `the tools of its MCP server ${server} could not be listed: ${Fault.from(error).detail}`;
    }
  }
}

function compareNames(declared: string[], offered: string[] | null, verb: string): StepOutcome | string {
  if (offered === null) return { state: 'done', note: 'it does not announce its skills; those of its manifest count' };
  const missing = declared.filter((name) => !offered.includes(name));
  if (missing.length > 0) return `it ${verb} no ${missing.join(', ')}`;
  return {
    state: 'done',
    note:
      declared.length === 0
        ? `it ${verb} ${offered.length} skills`
        : `it ${verb} ${declared.length === 1 ? 'the skill' : `all ${declared.length} skills`} of its manifest`,
  };
}

function mismatchOf(schema: Record<string, unknown>, value: unknown): string | null {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return ajv.validate(schema, value) ? null : ajv.errorsText(ajv.errors, { dataVar: 'output' }).slice(0, 300);
}
