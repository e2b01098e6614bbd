import { Injectable } from '@nestjs/common';
import type { ChatCompletionFunctionTool } from 'openai/resources/chat/completions';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { ToolOffer } from '@signalbox/shared/contracts/protocol/start-task.js';
import type { ModelToolCall } from '@signalbox/shared/contracts/protocol/model-turn.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { functionNameOf, functionNameOfAgent } from '../targets/tool-name.ts';
import { Toolboxes, toolsMax } from './toolbox.ts';

/** All definitions together: what a model reads before each of its turns. */
const definitionsMaxBytes = 256 * 1024;

/** A skill without a schema takes text. */
const anyInput = {
  type: 'object',
  properties: { input: { type: 'string', description: 'What is asked, in words.' } },
  required: ['input'],
};

interface Offer {
  definition: ChatCompletionFunctionTool;
  target: NonNullable<ModelToolCall['target']>;
}

/** What one turn of a model may call. */
export interface Offers {
  definitions: ChatCompletionFunctionTool[];
  targets: ReadonlyMap<string, NonNullable<ModelToolCall['target']>>;
}

/** Finds what a model may call, with the rights of whoever asks: tools in the catalogue of `mcp-server`, agents in the registry. */
@Injectable()
export class ModelOffers {
  constructor(
    private readonly bus: Bus,
    private readonly toolboxes: Toolboxes,
  ) {}

  /** `not_found` when one is not there: a model without its tools would only guess. `limited` when they are too many or too large. */
  async open(offers: readonly ToolOffer[], caller: Caller): Promise<Offers> {
    const found = (await Promise.all(offers.map((offer) => this.find(offer, caller)))).flat();
    const byName = new Map(found.map((offer) => [offer.definition.function.name, offer]));
    const definitions = [...byName.values()].map(({ definition }) => definition);
    if (definitions.length > toolsMax) {
      const detail = `the model is offered ${definitions.length} tools, at most ${toolsMax} fit`;
      throw new Fault('invalid', detail, 'Name the ones that it needs.');
    }
    const bytes = Buffer.byteLength(JSON.stringify(definitions));
    if (bytes > definitionsMaxBytes) {
      const detail = `the tools of the model are described in ${bytes} bytes, at most ${definitionsMaxBytes} fit`;
      throw new Fault('invalid', detail, 'Name the ones that it needs.');
    }
    return { definitions, targets: new Map([...byName].map(([name, { target }]) => [name, target])) };
  }

  private async find({ tool, agent, skill }: ToolOffer, caller: Caller): Promise<Offer[]> {
    if (agent !== undefined) return this.skillsOf(agent, skill, caller);
    const tools = await this.toolboxes.find(tool ?? '', caller);
    return tools.map(({ server, name, description, inputSchema }) => ({
      definition: { type: 'function', function: { name: functionNameOf(server, name), description, parameters: inputSchema } },
      target: { tool: `${server}/${name}` },
    }));
  }

  private async skillsOf(agent: string, asked: string | undefined, caller: Caller): Promise<Offer[]> {
    const { skills } = await this.bus.request(resolveAgent, { name: agent }, caller);
    const named = skills.filter(({ name }) => asked === undefined || name === asked);
    if (named.length === 0 && asked !== undefined) {
      const names = skills.map(({ name }) => name).join(', ') || 'none';
      throw new Fault('not_found', `the agent ${agent} has no skill ${asked}`, `It has: ${names}.`);
    }
    const offered = named.length > 0 ? named : [{ name: undefined, description: `Asks the agent ${agent}.`, inputSchema: undefined }];
    return offered.map(({ name, description, inputSchema = anyInput }) => ({
      definition: { type: 'function', function: { name: functionNameOfAgent(agent, name), description, parameters: inputSchema } },
      target: { agent, ...(name !== undefined && { skill: name }) },
    }));
  }
}
