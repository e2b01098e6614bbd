import { Agents } from './agents.ts';
import { Approvals } from './approvals.ts';
import { Artifacts } from './artifacts.ts';
import { Audit } from './audit.ts';
import { Breakers } from './breakers.ts';
import { Budgets } from './budgets.ts';
import { Channels } from './channels.ts';
import { Deployments } from './deployments.ts';
import { Evals, EvalSuites } from './evals.ts';
import { EvidenceBook } from './evidence.ts';
import { Gates } from './gates.ts';
import { Incidents } from './incidents.ts';
import { Instances } from './instances.ts';
import { Isolations } from './isolations.ts';
import { Keys } from './keys.ts';
import { Kpis } from './kpis.ts';
import { Limits } from './limits.ts';
import { McpServers } from './mcp-servers.ts';
import { Models } from './models.ts';
import { NotificationRules } from './notification-rules.ts';
import { Notifications } from './notifications.ts';
import { Objectives } from './objectives.ts';
import { Principals } from './principals.ts';
import { Reviews } from './reviews.ts';
import { RunOperations } from './run-operations.ts';
import { Rollouts } from './rollouts.ts';
import { Runs } from './runs.ts';
import { Schedules } from './schedules.ts';
import { Secrets } from './secrets.ts';
import { SharedState } from './shared-state.ts';
import { Stages } from './stages.ts';
import { System } from './system.ts';
import { Threads } from './threads.ts';
import { Tools } from './tools.ts';
import { Triggers } from './triggers.ts';
import { Usage } from './usage.ts';
import { Workflows } from './workflows.ts';
import { Workspaces } from './workspaces.ts';
import { Transport } from './transport.ts';
import type { ClientOptions } from './transport.ts';

/**
 * The REST API of Signalbox, typed. Runs in Node and in browsers.
 *
 * @example
 * const signalbox = new SignalboxClient({ url: 'http://127.0.0.1:7420', apiKey: 'sbx_…' });
 * const run = await signalbox.workflows.start('repository-report');
 * for await (const event of signalbox.runs.follow(run.id)) console.log(event.type, event.step);
 */
export class SignalboxClient {
  readonly agents: Agents;
  readonly approvals: Approvals;
  readonly artifacts: Artifacts;
  readonly audit: Audit;
  readonly breakers: Breakers;
  readonly channels: Channels;
  readonly deployments: Deployments;
  readonly evals: Evals;
  readonly evalSuites: EvalSuites;
  readonly rollouts: Rollouts;
  readonly evidence: EvidenceBook;
  readonly gates: Gates;
  readonly incidents: Incidents;
  readonly instances: Instances;
  readonly isolations: Isolations;
  readonly keys: Keys;
  readonly kpis: Kpis;
  readonly budgets: Budgets;
  readonly limits: Limits;
  readonly mcpServers: McpServers;
  readonly models: Models;
  readonly notificationRules: NotificationRules;
  readonly notifications: Notifications;
  readonly objectives: Objectives;
  readonly principals: Principals;
  readonly reviews: Reviews;
  readonly runOperations: RunOperations;
  readonly runs: Runs;
  readonly schedules: Schedules;
  readonly secrets: Secrets;
  readonly stages: Stages;
  readonly state: SharedState;
  readonly system: System;
  readonly threads: Threads;
  readonly tools: Tools;
  readonly triggers: Triggers;
  readonly usage: Usage;
  readonly workflows: Workflows;
  readonly workspaces: Workspaces;

  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    const http = new Transport(options);
    this.agents = new Agents(http);
    this.approvals = new Approvals(http);
    this.artifacts = new Artifacts(http);
    this.audit = new Audit(http);
    this.breakers = new Breakers(http);
    this.channels = new Channels(http);
    this.deployments = new Deployments(http);
    this.evals = new Evals(http);
    this.evalSuites = new EvalSuites(http);
    this.rollouts = new Rollouts(http);
    this.evidence = new EvidenceBook(http);
    this.gates = new Gates(http);
    this.incidents = new Incidents(http);
    this.instances = new Instances(http);
    this.isolations = new Isolations(http);
    this.keys = new Keys(http);
    this.kpis = new Kpis(http);
    this.budgets = new Budgets(http);
    this.limits = new Limits(http);
    this.mcpServers = new McpServers(http);
    this.models = new Models(http);
    this.notificationRules = new NotificationRules(http);
    this.notifications = new Notifications(http);
    this.objectives = new Objectives(http);
    this.principals = new Principals(http);
    this.reviews = new Reviews(http);
    this.runOperations = new RunOperations(http);
    this.runs = new Runs(http);
    this.schedules = new Schedules(http);
    this.secrets = new Secrets(http);
    this.stages = new Stages(http);
    this.state = new SharedState(http);
    this.system = new System(http);
    this.threads = new Threads(http);
    this.tools = new Tools(http);
    this.triggers = new Triggers(http);
    this.usage = new Usage(http);
    this.workflows = new Workflows(http);
    this.workspaces = new Workspaces(http);
  }

  /** The same for what is done for a mirrored call: it reads, and all that would change something is refused by `forbidden`. */
  asMirror(): SignalboxClient {
    return new SignalboxClient({ ...this.#options, headers: { ...this.#options.headers, 'signalbox-mirror': 'true' } });
  }
}
