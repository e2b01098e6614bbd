import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listState } from '@signalbox/shared/contracts/context/list-state.js';
import { getWorkflow, type GetWorkflowReply } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { getMcpServer } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { findSecret } from '@signalbox/shared/contracts/security/find-secret.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { agentsOf } from '@signalbox/workflow/core/graph.js';
import { compileWorkflow } from '@signalbox/workflow/language/compile.js';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import { rowsOf } from '../database/sql.ts';
import type { MemberFact } from '../deployments/facts.ts';
import type { PlannedAgent } from '../deployments/plan.ts';
import { McpTools } from './mcp-tools.ts';

/** Names that a sentence shows. */
const namesMax = 5;
/** Workflows whose agents are remembered. */
const workflowsMax = 1_000;
/** What the service that is asked may take: a look goes on with the others after that. */
const timeoutMs = 2_000;

export type MemberAnswer = Omit<MemberFact, 'baseline'>;

/** Asks the service that owns a member how it stands. */
@Injectable()
export class MemberProbe {
  private readonly called = new Map<string, string[]>();

  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly tools: McpTools,
  ) {}

  /** With the rights behind the deployment's grant. Null: it could not be said, and what was known before stays. */
  async ask(planned: PlannedAgent, bearer: string): Promise<MemberAnswer | null> {
    try {
      return await this.answer(planned, await this.bus.as(bearer));
    } catch (thrown) {
      const fault = Fault.from(thrown);
      // A workflow or secret that is there does not go because its service is away for a moment; a server or store that cannot be reached is away.
      const isAway = ['unavailable', 'timeout', 'internal', 'cancelled', 'limited'].includes(fault.code);
      if (isAway && (planned.kind === 'workflow' || planned.kind === 'secret')) return null;
      return { standing: 'ill', note: `${wordsOf(planned)} could not be asked for: ${fault.detail}` };
    }
  }

  /** With the rights of a caller. Null: nobody is asked after such a member. Rejects with the fault of the service that owns it. */
  async answer(planned: PlannedAgent, caller: Caller): Promise<MemberAnswer | null> {
    switch (planned.kind) {
      case 'mcp-server':
        return this.askServer(planned, caller);
      case 'workflow':
        return this.askWorkflow(planned, caller);
      case 'secret':
        return this.askSecret(planned, caller);
      case 'context-store':
        return this.askStore(planned, caller);
      default:
        return null;
    }
  }

  private async askServer({ agent: name, member }: PlannedAgent, caller: Caller): Promise<MemberAnswer> {
    const server = await orNull(this.bus.request(getMcpServer, { name }, caller, { timeoutMs }));
    if (server === null) return { standing: 'missing', note: `there is no MCP server ${name}; apply its manifest` };
    const observed = `version ${server.version}`;
    if (server.status !== 'ready') {
      const reason = server.statusReason === undefined ? '' : `: ${server.statusReason}`;
      return { standing: 'ill', note: `the MCP server ${name} is ${server.status}${reason}`, observed };
    }
    const offered = await this.tools.namesOf(name, caller);
    const lacking = (member?.tools ?? []).filter((tool) => !offered.includes(tool));
    if (lacking.length > 0) return { standing: 'ill', note: `the MCP server ${name} lists no ${shown(lacking)}`, observed };
    return { standing: 'well', note: `the MCP server ${name} is ready and lists ${offered.length} tools`, observed };
  }

  private async askWorkflow({ agent: name, member }: PlannedAgent, caller: Caller): Promise<MemberAnswer> {
    const workflow = await orNull(this.bus.request(getWorkflow, { name }, caller, { timeoutMs }));
    if (workflow === null) return { standing: 'missing', note: `no workflow ${name} is applied; apply its manifest` };
    const observed = workflow.hash;
    if (member?.hash !== undefined && member.hash !== observed) {
      return { standing: 'ill', note: `the workflow ${name} is applied at ${observed}, not at ${member.hash}`, observed };
    }
    const called = this.calledBy(workflow);
    const known = await this.db.inWorkspace(caller.workspace, (tx) =>
      rowsOf<{ name: string }>(tx, `SELECT name FROM agent WHERE name = ANY($1)`, [called]),
    );
    const unknown = called.filter((agent) => !known.some((row) => row.name === agent));
    if (unknown.length > 0)
      return { standing: 'ill', note: `the workflow ${name} calls agents that are not registered: ${shown(unknown)}`, observed };
    const { scaleBack } = workflow;
    if (scaleBack?.active)
      return { standing: 'ill', note: `the workflow ${name} is scaled back to ${scaleBack.to}: ${scaleBack.active.because}`, observed };
    return { standing: 'well', note: `the workflow ${name} is applied, and all agents that it calls are registered`, observed };
  }

  /** The agents that a workflow calls: a hash is compiled once and not at every look. */
  private calledBy({ manifest, hash }: GetWorkflowReply): string[] {
    const known = this.called.get(hash);
    if (known !== undefined) return known;
    if (this.called.size >= workflowsMax) this.called.clear();
    const called = agentsOf(compileWorkflow(manifest as unknown as WorkflowManifest, hash));
    this.called.set(hash, called);
    return called;
  }

  private async askSecret({ agent: name }: PlannedAgent, caller: Caller): Promise<MemberAnswer> {
    const identity = await caller.tokenFor(this.bus.service);
    const { version } = await this.bus.request(findSecret, { identity, name }, 'service', { timeoutMs });
    if (version === null) return { standing: 'missing', note: `there is no secret ${name}; set it: signalbox secrets set ${name}` };
    return { standing: 'well', note: `the secret ${name} is there` };
  }

  private async askStore({ member }: PlannedAgent, caller: Caller): Promise<MemberAnswer> {
    const scope = member?.scope ?? 'workspace';
    await this.bus.request(listState, { scope, limit: 1 }, caller, { timeoutMs });
    return { standing: 'well', note: `the shared state of ${scope} can be read` };
  }
}

function wordsOf({ kind, agent, member }: PlannedAgent): string {
  if (kind === 'context-store') return `the shared state of ${member?.scope ?? 'workspace'}`;
  return kind === 'mcp-server' ? `the MCP server ${agent}` : `the ${kind} ${agent}`;
}

function shown(names: readonly string[]): string {
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : '';
  return `${names.slice(0, namesMax).join(', ')}${more}`;
}

/** What is not there is an answer. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'not_found') return null;
    throw thrown;
  }
}
