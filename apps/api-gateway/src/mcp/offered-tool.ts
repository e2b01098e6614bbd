import type { Agent, Skill } from '@signalbox/shared/contracts/registry/agent.js';
import type { WorkflowView } from '@signalbox/shared/contracts/execution/workflow-view.js';
import type { ListedTool } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { offeredName } from './tool-names.ts';

/** What stands behind a tool of this door. */
export type Target =
  | { kind: 'tool'; server: string; tool: string }
  | { kind: 'agent'; agent: string; skill: string | undefined; isWrapped: boolean }
  | { kind: 'workflow'; workflow: string; isWrapped: boolean };

/** A tool as clients see it, and what a call of it is. */
export interface OfferedTool {
  name: string;
  definition: Record<string, unknown>;
  target: Target;
}

/** A server's tool; its definition is passed on word for word, under the name that this endpoint gives it. */
export function offeredServerTool(listed: ListedTool, isPrefixed: boolean): OfferedTool {
  const { server, name: tool, definition = {} } = listed;
  const name = isPrefixed ? offeredName(server, tool) : tool;
  return { name, definition: { ...definition, name }, target: { kind: 'tool', server, tool } };
}

/** One tool a skill. Agents that are MCP servers themselves are there by their servers' tools. */
export function offeredAgentTools({ name: agent, kind, description, skills }: Agent): OfferedTool[] {
  if (kind === 'mcp') return [];
  const offered: (Skill | null)[] = skills.length === 0 ? [null] : skills;
  return offered.map((skill) => {
    const name = offeredName('agent', skills.length > 1 && skill ? `${agent}__${skill.name}` : agent);
    const { schema, isWrapped } = objectSchema(skill?.inputSchema);
    return {
      name,
      definition: {
        name,
        title: skills.length > 1 && skill ? `${agent}: ${skill.name}` : agent,
        description: skill?.description ?? (description || `The agent ${agent}.`),
        inputSchema: schema,
      },
      target: { kind: 'agent', agent, skill: skill?.name, isWrapped },
    };
  });
}

export function offeredWorkflowTool({ name: workflow, description, input }: WorkflowView): OfferedTool {
  const name = offeredName('workflow', workflow);
  const { schema, isWrapped } = objectSchema(input as Record<string, unknown> | null | undefined);
  return {
    name,
    definition: { name, title: workflow, description: description ?? `Runs the workflow ${workflow}.`, inputSchema: schema },
    target: { kind: 'workflow', workflow, isWrapped },
  };
}

/** Tools take objects: any other input stands in the field `input`. */
function objectSchema(schema: Record<string, unknown> | null | undefined): { schema: Record<string, unknown>; isWrapped: boolean } {
  if (!schema) return { schema: { type: 'object', additionalProperties: true }, isWrapped: false };
  if (schema['type'] === 'object') return { schema, isWrapped: false };
  return { schema: { type: 'object', properties: { input: schema }, required: ['input'] }, isWrapped: true };
}
