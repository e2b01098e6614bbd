import { Agents } from './agents.ts';
import { Artifacts } from './artifacts.ts';
import { Deployments } from './deployments.ts';
import { Instances } from './instances.ts';
import { McpServers } from './mcp-servers.ts';
import { Runs } from './runs.ts';
import { SharedState } from './shared-state.ts';
import { System } from './system.ts';
import { Tools } from './tools.ts';
import { Transport } from './transport.ts';
import type { ClientOptions } from './transport.ts';
import { Workflows } from './workflows.ts';

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
  readonly artifacts: Artifacts;
  readonly deployments: Deployments;
  readonly instances: Instances;
  readonly mcpServers: McpServers;
  readonly runs: Runs;
  readonly state: SharedState;
  readonly system: System;
  readonly tools: Tools;
  readonly workflows: Workflows;

  constructor(options: ClientOptions) {
    const http = new Transport(options);
    this.agents = new Agents(http);
    this.artifacts = new Artifacts(http);
    this.deployments = new Deployments(http);
    this.instances = new Instances(http);
    this.mcpServers = new McpServers(http);
    this.runs = new Runs(http);
    this.state = new SharedState(http);
    this.system = new System(http);
    this.tools = new Tools(http);
    this.workflows = new Workflows(http);
  }
}
