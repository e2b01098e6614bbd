import type { BoardAgent } from '@signalbox/shared/contracts/registry/board.js';
import type { DriftItem } from '@signalbox/shared/contracts/registry/drift.js';
import { stepKey, type Facts, type MemberFact } from '../deployments/facts.ts';
import type { Plan, PlannedAgent } from '../deployments/plan.ts';
import type { WorkerSpec } from '../manifests/manifest.ts';

/** What is there of a registered agent. */
export interface AgentReality {
  kind: string;
  version: number;
  hash: string;
  worker?: WorkerSpec;
  /** Instances that beat. */
  live: number;
  /** Hashes of the versions that its processes in this deployment run, by its name in it. */
  running: ReadonlyMap<string, readonly string[]>;
}

/** All that drift is computed from. */
export interface Reality {
  started: boolean;
  plan: Plan;
  board: ReadonlyMap<string, Pick<BoardAgent, 'status'>>;
  facts: Pick<Facts, 'steps' | 'members'>;
  /** By the name of the registered agent. */
  agents: ReadonlyMap<string, AgentReality>;
  /** Hashes of the agents at the last start, by their names in the deployment. */
  baseline: Readonly<Record<string, string>>;
}

type Found = Omit<DriftItem, 'member' | 'kind'>;

/** A member with these is on its way up: what is not there yet is no drift. */
const isComing = new Set<BoardAgent['status']>(['ready', 'parallel', 'waiting', 'starting', 'active']);
const hashShown = 'sha256:'.length + 12;

/** Where what is there is not what the manifest wants; in the order of the manifest. */
export function driftOf(reality: Reality): DriftItem[] {
  return reality.plan.agents.flatMap((planned) => {
    const found = planned.kind === 'agent' ? ofAgent(planned, reality) : ofMember(planned, reality.facts.members.get(planned.name));
    return [...found, ...ofSteps(planned, reality, found)].map((item) => ({
      member: planned.name,
      ...(planned.kind !== 'agent' && { kind: planned.kind }),
      ...item,
    }));
  });
}

function ofAgent(planned: PlannedAgent, { started, board, agents, baseline }: Reality): Found[] {
  if (planned.steps.every(({ source }) => source === 'reported')) return [];
  const agent = agents.get(planned.agent);
  if (agent === undefined) {
    const because = `no agent ${planned.agent} is registered`;
    return [{ aspect: 'missing', wanted: 'registered', actual: 'not registered', because, next: 'Apply its manifest.' }];
  }
  if (!started) return [];
  const running = agent.running.get(planned.name) ?? [];
  const older = running.filter((hash) => hash !== agent.hash);
  if (older.length > 0) {
    return [
      {
        aspect: 'version',
        wanted: `version ${agent.version} (${short(agent.hash)})`,
        actual: `${older.length} of ${running.length} processes run ${[...new Set(older)].map(short).join(', ')}`,
        because: `the agent ${planned.agent} was changed and its processes run an older version`,
        repair: 'restart',
      },
    ];
  }
  const before = baseline[planned.name];
  const items: Found[] = [];
  if (before !== undefined && before !== agent.hash && running.length === 0) {
    items.push({
      aspect: 'changed',
      wanted: short(before),
      actual: `version ${agent.version} (${short(agent.hash)})`,
      because: `the agent ${planned.agent} was changed since the last start; its steps were made for what it was`,
      repair: 'again',
    });
  }
  return isComing.has(board.get(planned.name)!.status) ? items : [...items, ...ofReplicas(agent, running.length)];
}

function ofReplicas({ kind, worker, live }: AgentReality, running: number): Found[] {
  if (kind !== 'worker') return [];
  const wanted = worker?.autoscale?.min ?? worker?.replicas ?? 1;
  const most = worker?.autoscale?.max ?? wanted;
  const isLocal = worker?.runner === 'local';
  // Others start as many as they like; fewer than wanted is drift for all.
  if (live >= wanted && (!isLocal || running <= most)) return [];
  const actual = isLocal && running !== live ? `${live} beat, ${running} run` : `${live} beat`;
  const because =
    live < wanted ? `${wanted - live} of its ${wanted} instances are not there` : `${running - most} more of its processes run than wanted`;
  const item = { aspect: 'replicas' as const, wanted: `${most > wanted ? `${wanted} to ${most}` : wanted} instances`, actual, because };
  return [isLocal ? { ...item, repair: 'again' } : { ...item, next: 'Start them where they are run: the external runner is not ours.' }];
}

function ofMember({ kind, agent, member }: PlannedAgent, fact: MemberFact | undefined): Found[] {
  if (fact === undefined) return [];
  const because = fact.note;
  const next = { next: kind === 'secret' ? `Set it: signalbox secrets set ${agent}` : 'Apply its manifest as this deployment wants it.' };
  if (fact.standing === 'missing') return [{ aspect: 'missing', wanted: 'there', actual: 'not there', because, ...next }];
  if (member?.hash !== undefined && fact.observed !== undefined && fact.observed !== member.hash)
    return [
      {
        aspect: 'version',
        wanted: short(member.hash),
        actual: short(fact.observed),
        because,
        ...(kind === 'workflow' ? { repair: 'revert' } : next),
      },
    ];
  if (fact.standing === 'ill')
    return [{ aspect: 'state', wanted: 'well', actual: 'not well', because, next: 'It goes away when its service says that all is well.' }];
  if (fact.baseline === undefined || fact.observed === undefined || fact.baseline === fact.observed) return [];
  const changed = `the ${kind === 'mcp-server' ? 'MCP server' : kind} ${agent} was changed since the last start`;
  return [{ aspect: 'changed', wanted: short(fact.baseline), actual: short(fact.observed), because: changed, repair: 'again' }];
}

/** Steps that failed; or, in a deployment that is not started, that are not done. */
function ofSteps(planned: PlannedAgent, { started, facts }: Reality, found: readonly Found[]): Found[] {
  const states = planned.steps.map((step) => ({ step, fact: facts.steps.get(stepKey(planned.name, step.name)) }));
  const open = states.find(({ fact }) => fact?.state !== 'done');
  if (open === undefined) return [];
  const done = states.filter(({ fact }) => fact?.state === 'done').length;
  const item = { aspect: 'steps' as const, wanted: `${states.length} steps done`, actual: `${done} done` };
  const isReported = open.step.source === 'reported';
  if (open.fact?.state === 'failed') {
    const because = `its step ${open.step.name} failed: ${open.fact.note ?? 'no reason was given'}`;
    // What is missing has to come first.
    if (found.some(({ aspect }) => aspect === 'missing')) return [];
    return [isReported ? { ...item, because, next: 'Report it again when it is done.' } : { ...item, because, repair: 'again' }];
  }
  // What people have yet to do is work that the board plans, and no difference.
  return started || isReported ? [] : [{ ...item, because: 'the deployment is not started', repair: 'start' }];
}

/** The hash in as many characters as a person compares. */
function short(identity: string): string {
  return identity.startsWith('sha256:') ? identity.slice(0, hashShown) : identity;
}
