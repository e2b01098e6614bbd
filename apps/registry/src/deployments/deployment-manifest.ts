import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import type { MemberKind } from '@signalbox/shared/contracts/registry/board.js';
import { secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import { commandFaults } from '../manifests/command-faults.ts';
import { deploymentAgentsMax } from '../manifests/deployment.schema.ts';
import type { DeploymentManifest, DeploymentMemberSpec } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';
import { cycleIn } from './graph.ts';
import { dependencyName, planOf, type Plan } from './plan.ts';

/** What an agent may wait for beside other agents: a service of Signalbox (or its bus or database), an MCP server. */
const infrastructurePattern = /^(service|mcp-server):([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;
const services = new Set(['bus', 'database', 'api-gateway', 'registry', 'mcp-server', 'protocol', 'context', 'execution', 'security']);

/** An agent or another member, with the place where it stands. */
interface Entry {
  pointer: string;
  spec: Omit<DeploymentMemberSpec, 'kind'> & { kind?: MemberKind };
}

/** A deployment's manifest that can be used, and its plan; or `invalid` with every fault that was found. */
export function parseDeploymentManifest(name: string, value: unknown): { manifest: DeploymentManifest; plan: Plan } {
  const manifest = parseManifest('Deployment', name, value);
  const entries = entriesOf(manifest);
  const faults = [
    ...sizeFaults(entries),
    ...nameFaults(entries),
    ...entries.flatMap((entry) => [...stepFaults(entry), ...memberFaults(entry)]),
    ...dependencyFaults(entries),
  ];
  if (faults.length > 0) throw invalidManifest('Deployment', faults);
  const plan = planOf(manifest);
  const cycle = cycleIn(plan.agents.map((agent) => ({ name: agent.name, needs: agent.dependsOn })));
  if (cycle !== null) {
    const { pointer } = entries.find(({ spec }) => spec.name === cycle[0])!;
    throw invalidManifest('Deployment', [
      { pointer: `${pointer}/dependsOn`, detail: `goes round in a circle: ${[...cycle, cycle[0]].join(' waits for ')}` },
    ]);
  }
  return { manifest, plan };
}

/** Whether somebody who applies it decides which program runs on the host. */
export function namesCommand({ spec }: DeploymentManifest): boolean {
  return (spec.members ?? []).some(({ command }) => command !== undefined);
}

/** Whether somebody who applies it decides to whom a secret goes. */
export function namesSecret({ spec }: DeploymentManifest): boolean {
  return (spec.members ?? []).some(({ env = {} }) => Object.values(env).some((text) => secretNamesIn(text).length > 0));
}

function entriesOf({ spec: { agents = [], members = [] } }: DeploymentManifest): Entry[] {
  return [
    ...agents.map((spec, index): Entry => ({ pointer: `/spec/agents/${index}`, spec })),
    ...members.map((spec, index): Entry => ({ pointer: `/spec/members/${index}`, spec })),
  ];
}

function sizeFaults(entries: readonly Entry[]): FaultDetail[] {
  if (entries.length === 0) return [{ pointer: '/spec/agents', detail: 'is missing' }];
  if (entries.length <= deploymentAgentsMax) return [];
  return [{ pointer: '/spec/members', detail: `makes ${entries.length} with the agents; a deployment has at most ${deploymentAgentsMax}` }];
}

function nameFaults(entries: readonly Entry[]): FaultDetail[] {
  return repeated(entries.map(({ spec }) => spec.name)).map((index) => ({
    pointer: `${entries[index]!.pointer}/name`,
    detail: `names ${entries[index]!.spec.name} a second time`,
  }));
}

function stepFaults({ pointer, spec }: Entry): FaultDetail[] {
  const steps = spec.steps ?? [];
  const faults = repeated(steps.map((step) => step.name)).map((at) => ({
    pointer: `${pointer}/steps/${at}/name`,
    detail: `names the step ${steps[at]!.name} a second time`,
  }));
  if (isBackwards(spec.estimateDays)) faults.push({ pointer: `${pointer}/estimateDays`, detail: 'must be low, then high' });
  steps.forEach((step, at) => {
    const source = step.source ?? 'reported';
    if (isBackwards(step.estimate)) faults.push({ pointer: `${pointer}/steps/${at}/estimate`, detail: 'must be low, then high' });
    if (source === 'reported' && spec.estimateDays === undefined && step.estimate === undefined) {
      faults.push({
        pointer: `${pointer}/estimateDays`,
        detail: `is missing: nobody can tell how long the reported step ${step.name} takes`,
      });
    }
    if (source !== 'traffic' && (step.share !== undefined || step.calls !== undefined)) {
      faults.push({ pointer: `${pointer}/steps/${at}`, detail: '`share` and `calls` are for steps of the source traffic' });
    }
    if (source !== 'contract-test' && step.call !== undefined) {
      faults.push({ pointer: `${pointer}/steps/${at}/call`, detail: 'is for steps of the source contract-test' });
    }
  });
  return faults;
}

/** The kind to which each of these fields belongs. */
const fieldKinds = { tools: 'mcp-server', hash: 'workflow', scope: 'context-store' } as const;
const migrationFields = ['command', 'cwd', 'env', 'timeoutMs'] as const;

function memberFaults({ pointer, spec }: Entry): FaultDetail[] {
  const { kind } = spec;
  if (kind === undefined) return [];
  const faults: FaultDetail[] = [];
  for (const [field, owner] of Object.entries(fieldKinds)) {
    if (spec[field as keyof typeof fieldKinds] !== undefined && kind !== owner)
      faults.push({ pointer: `${pointer}/${field}`, detail: `is for members of kind ${owner}` });
  }
  for (const field of migrationFields) {
    if (spec[field] === undefined) continue;
    if (kind !== 'migration') faults.push({ pointer: `${pointer}/${field}`, detail: 'is for members of kind migration' });
    else if (field !== 'command' && spec.command === undefined)
      faults.push({ pointer: `${pointer}/${field}`, detail: 'is for a migration with a command' });
  }
  if (spec.ref !== undefined && (kind === 'migration' || kind === 'context-store'))
    faults.push({ pointer: `${pointer}/ref`, detail: 'is for members of kind mcp-server, workflow or secret' });
  if (kind === 'migration' && spec.command === undefined && spec.steps === undefined && spec.estimateDays === undefined) {
    faults.push({
      pointer: `${pointer}/estimateDays`,
      detail: 'is missing: nobody can tell how long a migration without a command takes until it is reported',
    });
  }
  if (kind === 'migration') faults.push(...commandFaults(pointer, spec));
  const own = kind === 'migration' ? 'runner' : 'probe';
  (spec.steps ?? []).forEach((step, at) => {
    const { source = 'reported' } = step;
    if (source !== 'reported' && (source !== own || (own === 'runner' && spec.command === undefined))) {
      const allowed = own === 'runner' && spec.command === undefined ? 'reported' : `${own} or reported`;
      faults.push({ pointer: `${pointer}/steps/${at}/source`, detail: `must be ${allowed} for a member of kind ${kind}` });
    }
  });
  const runs = spec.steps?.filter(({ source }) => source === 'runner').length ?? 1;
  if (runs > 1) faults.push({ pointer: `${pointer}/steps`, detail: 'has more than one step of the source runner: the command runs once' });
  if (runs === 0 && spec.command !== undefined)
    faults.push({ pointer: `${pointer}/steps`, detail: 'has no step of the source runner: its command would never run' });
  return faults;
}

function dependencyFaults(entries: readonly Entry[]): FaultDetail[] {
  const names = new Set(entries.map(({ spec }) => spec.name));
  return entries.flatMap(({ pointer, spec }) =>
    (spec.dependsOn ?? []).flatMap((dependency, at) => {
      const place = `${pointer}/dependsOn/${at}`;
      const detail = dependencyFault(spec.name, dependencyName(dependency), names);
      if (detail !== null) return [{ pointer: place, detail }];
      if (spec.dependsOn!.findIndex((other) => dependencyName(other) === dependencyName(dependency)) < at)
        return [{ pointer: place, detail: `names ${dependencyName(dependency)} a second time` }];
      const isStopped = typeof dependency === 'object' && dependency.whenMissing === 'stop' && spec.kind !== undefined;
      return isStopped
        ? [{ pointer: `${place}/whenMissing`, detail: 'must be wait or degrade: only an agent can be taken out of routing' }]
        : [];
    }),
  );
}

function dependencyFault(agent: string, dependency: string, names: ReadonlySet<string>): string | null {
  if (dependency === agent) return `is ${agent} itself`;
  if (names.has(dependency)) return null;
  const [, kind, name] = infrastructurePattern.exec(dependency) ?? [];
  if (kind === 'service' && !services.has(name!))
    return `names the service ${name}, which there is not; there are ${[...services].join(', ')}`;
  if (kind !== undefined) return null;
  return namePattern.test(dependency)
    ? `names ${dependency}, which is no agent or member of this deployment`
    : `must be an agent or member of this deployment, service:NAME or mcp-server:NAME`;
}

/** Places whose value stood before. */
function repeated(values: string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
}

function isBackwards(estimate: [number, number] | undefined): boolean {
  return estimate !== undefined && estimate[0] > estimate[1];
}
