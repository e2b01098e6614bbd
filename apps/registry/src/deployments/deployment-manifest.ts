import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import type { DeploymentManifest } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';
import { cycleIn } from './graph.ts';
import { planOf, type Plan } from './plan.ts';

/** What an agent may wait for beside other agents: a service of Signalbox (or its bus or database), an MCP server. */
const infrastructurePattern = /^(service|mcp-server):([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;
const services = new Set(['bus', 'database', 'api-gateway', 'registry', 'mcp-server', 'protocol', 'context', 'execution', 'security']);

/** A deployment's manifest that can be used, and its plan; or `invalid` with every fault that was found. */
export function parseDeploymentManifest(name: string, value: unknown): { manifest: DeploymentManifest; plan: Plan } {
  const manifest = parseManifest('Deployment', name, value);
  const faults = [...nameFaults(manifest), ...stepFaults(manifest), ...dependencyFaults(manifest)];
  if (faults.length > 0) throw invalidManifest('Deployment', faults);
  const plan = planOf(manifest);
  const cycle = cycleIn(plan.agents.map((agent) => ({ name: agent.name, needs: agent.dependsOn })));
  if (cycle !== null) {
    const index = plan.agents.findIndex((agent) => agent.name === cycle[0]);
    throw invalidManifest('Deployment', [
      { pointer: `/spec/agents/${index}/dependsOn`, detail: `goes round in a circle: ${[...cycle, cycle[0]].join(' waits for ')}` },
    ]);
  }
  return { manifest, plan };
}

function nameFaults({ spec }: DeploymentManifest): FaultDetail[] {
  return repeated(spec.agents.map((agent) => agent.name)).map((index) => ({
    pointer: `/spec/agents/${index}/name`,
    detail: `names ${spec.agents[index]!.name} a second time`,
  }));
}

function stepFaults({ spec }: DeploymentManifest): FaultDetail[] {
  return spec.agents.flatMap((agent, index) => {
    const pointer = `/spec/agents/${index}`;
    const steps = agent.steps ?? [];
    const faults = repeated(steps.map((step) => step.name)).map((at) => ({
      pointer: `${pointer}/steps/${at}/name`,
      detail: `names the step ${steps[at]!.name} a second time`,
    }));
    if (isBackwards(agent.estimateDays)) faults.push({ pointer: `${pointer}/estimateDays`, detail: 'must be low, then high' });
    steps.forEach((step, at) => {
      const source = step.source ?? 'reported';
      if (isBackwards(step.estimate)) faults.push({ pointer: `${pointer}/steps/${at}/estimate`, detail: 'must be low, then high' });
      if (source === 'reported' && agent.estimateDays === undefined && step.estimate === undefined) {
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
  });
}

function dependencyFaults({ spec }: DeploymentManifest): FaultDetail[] {
  const names = new Set(spec.agents.map((agent) => agent.name));
  return spec.agents.flatMap((agent, index) =>
    (agent.dependsOn ?? []).flatMap((dependency, at) => {
      const detail = dependencyFault(agent.name, dependency, names);
      return detail === null ? [] : [{ pointer: `/spec/agents/${index}/dependsOn/${at}`, detail }];
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
    ? `names ${dependency}, which is no agent of this deployment`
    : `must be an agent of this deployment, service:NAME or mcp-server:NAME`;
}

/** Places whose value stood before. */
function repeated(values: string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
}

function isBackwards(estimate: [number, number] | undefined): boolean {
  return estimate !== undefined && estimate[0] > estimate[1];
}
