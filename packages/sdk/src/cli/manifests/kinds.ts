import type { SignalboxClient } from '../../client/client.ts';
import type { Gates, GateSpec } from '../../client/gates.ts';
import type { Objectives, ObjectiveSpec } from '../../client/objectives.ts';
import type { Pages } from '../../client/pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from '../../client/schema.ts';
import type { RequestOptions } from '../../client/transport.ts';
import { budgetManifests } from './budget-manifests.ts';

/** What every kind of manifest can be asked for. */
export interface Collection {
  list(query: { limit: number }, options: RequestOptions): Pick<Pages<{ name: string; labels: Labels }>, 'take'>;
  get(name: string, options: RequestOptions): Promise<{ manifest: Manifest }>;
  apply(manifest: Manifest, query: ApplyQuery, options: RequestOptions): Promise<Applied>;
  remove(name: string, options: RequestOptions): Promise<void>;
}

/** A kind of manifest that stands on the server, by its name. */
export interface Kind {
  kind: string;
  /** As titles and folders have it: `server` of `server/files`. */
  word: string;
  of: (client: SignalboxClient) => Collection;
}

/** What needs what: an agent may name a server, a workflow its agents, a budget is there before anything starts a run, a schedule or trigger its workflow, a deployment both, a notification rule its channels. Made in this order, removed in the other. */
export const kinds: readonly Kind[] = [
  { kind: 'McpServer', word: 'server', of: ({ mcpServers }) => mcpServers },
  { kind: 'Agent', word: 'agent', of: ({ agents }) => agents },
  { kind: 'Gate', word: 'gate', of: ({ gates }) => appliedGates(gates) },
  { kind: 'Objective', word: 'objective', of: ({ objectives }) => objectiveManifests(objectives) },
  { kind: 'EvalSuite', word: 'eval-suite', of: ({ evalSuites }) => evalSuites },
  { kind: 'Channel', word: 'channel', of: ({ channels }) => channels },
  { kind: 'NotificationRule', word: 'notification-rule', of: ({ notificationRules }) => notificationRules },
  { kind: 'Workflow', word: 'workflow', of: ({ workflows }) => workflows },
  { kind: 'Budget', word: 'budget', of: ({ budgets }) => budgetManifests(budgets) },
  { kind: 'Schedule', word: 'schedule', of: ({ schedules }) => schedules },
  { kind: 'Trigger', word: 'trigger', of: ({ triggers }) => triggers },
  { kind: 'Deployment', word: 'deployment', of: ({ deployments }) => deployments },
];

/** Built-in gates are nobody's manifests: they are neither exported nor pruned. */
function appliedGates(gates: Gates): Collection {
  return {
    list: (query, options) => gates.list({ ...query, builtIn: false }, options),
    get: (name, options) => gates.get(name, options),
    apply: (manifest, query, options) => gates.apply(manifest as Manifest<GateSpec>, query, options),
    remove: (name, options) => gates.remove(name, options),
  };
}

function objectiveManifests(objectives: Objectives): Collection {
  return {
    list: (query, options) => objectives.list(query, options),
    get: (name, options) => objectives.get(name, options),
    apply: (manifest, query, options) => objectives.apply(manifest as Manifest<ObjectiveSpec>, query, options),
    remove: (name, options) => objectives.remove(name, options),
  };
}

/** Of one kind, at most so many are looked at. */
export const listMax = 20_000;
export const pageRows = 200;
