import { Injectable } from '@nestjs/common';
import type { ChatCompletionFunctionTool, ChatCompletionMessageFunctionToolCall } from 'openai/resources/chat/completions';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getTool } from '@signalbox/shared/contracts/mcp-server/get-tool.js';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import type { Tool } from '@signalbox/shared/contracts/mcp-server/tool.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import type { TaskCall } from '../tasks/task.ts';
import { textOf, ToolCaller } from '../targets/tool-caller.ts';
import { functionNameOf, splitTool } from '../targets/tool-name.ts';

/** Tools that a model is offered: more confuse it, and fill its window. */
export const toolsMax = 128;
/** Tool calls of one turn that run at the same time; the others wait. */
const parallelMax = 8;
/** What a model gets to read of one result. */
const resultMax = 100_000;

/** The tools of one `llm` agent, under the names that its model knows. */
export interface Toolbox {
  definitions: ChatCompletionFunctionTool[];
  byName: ReadonlyMap<string, { server: string; name: string }>;
}

/** Finds an agent's tools and calls them for its model. */
@Injectable()
export class Toolboxes {
  constructor(
    private readonly bus: Bus,
    private readonly tools: ToolCaller,
  ) {}

  /** `not_found` when a tool is not there: an agent without its tools would only guess. */
  async open(names: readonly string[], caller: Caller): Promise<Toolbox> {
    const found = (await Promise.all(names.map((name) => this.find(name, caller)))).flat();
    if (found.length > toolsMax)
      throw new Fault('limited', `the agent has ${found.length} tools, at most ${toolsMax} fit a model`, 'Name the ones that it needs.');
    const byName = new Map<string, { server: string; name: string }>();
    const definitions = found.map(({ server, name, description, inputSchema }) => {
      const functionName = functionNameOf(server, name);
      byName.set(functionName, { server, name });
      return { type: 'function' as const, function: { name: functionName, description, parameters: inputSchema } };
    });
    return { definitions, byName };
  }

  /** The tools that `server/tool` or `server/*` names. */
  async find(tool: string, caller: Caller): Promise<Tool[]> {
    const { server, name } = splitTool(tool);
    if (name !== '*') return [await this.bus.request(getTool, { server, tool: name }, caller)];
    const all: Tool[] = [];
    let cursor: string | null = null;
    do {
      const page: { data: Tool[]; nextCursor: string | null } = await this.bus.request(
        listTools,
        { server, ...(cursor !== null && { cursor }) },
        caller,
      );
      all.push(...page.data);
      cursor = page.nextCursor;
    } while (cursor !== null && all.length <= toolsMax);
    return all;
  }

  /** Makes the calls of one turn, side by side; what goes wrong with one is its result, so that the model can do something about it. */
  async callAll(
    task: TaskCall,
    box: Toolbox,
    calls: readonly ChatCompletionMessageFunctionToolCall[],
    turn: number,
    caller: Caller,
  ): Promise<string[]> {
    const results: string[] = Array.from({ length: calls.length }, () => '');
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < calls.length) {
        const index = next++;
        results[index] = await this.callOne(task, box, calls[index]!, `${turn}.${index}`, caller);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallelMax, calls.length) }, work));
    return results;
  }

  private async callOne(
    task: TaskCall,
    { byName }: Toolbox,
    { function: called }: ChatCompletionMessageFunctionToolCall,
    part: string,
    caller: Caller,
  ): Promise<string> {
    const tool = byName.get(called.name);
    if (!tool) return `Error: there is no tool ${called.name.slice(0, 100)}. There are: ${[...byName.keys()].join(', ')}`;
    let input: unknown;
    try {
      input = JSON.parse(called.arguments || '{}');
    } catch {
      return 'Error: the arguments are not JSON.';
    }
    task.progress(`calls ${tool.server}/${tool.name}`);
    try {
      const { content, structuredContent, isError } = await this.tools.call(task, tool.server, tool.name, input, { caller, part });
      const text = textOf(content) || JSON.stringify(structuredContent ?? content);
      return cut(isError ? `Error: ${text}` : text);
    } catch (thrown) {
      if (task.signal.aborted || !(thrown instanceof Fault) || thrown.code === 'internal') throw thrown;
      return cut(`Error: ${thrown.detail} ${thrown.next}`);
    }
  }
}

function cut(text: string): string {
  return text.length <= resultMax ? text : `${text.slice(0, resultMax)}\n[cut: ${text.length - resultMax} characters more]`;
}
