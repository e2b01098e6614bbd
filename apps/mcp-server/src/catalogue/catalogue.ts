import { toolNamePattern } from '@signalbox/shared/contracts/mcp-server/tool.js';
import type { ListedTool } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { contentHash } from '../manifests/content-hash.ts';

/** A tool as its server defines it, unknown fields too. */
export type ToolDefinition = { name: string; inputSchema: Record<string, unknown> } & Record<string, unknown>;

export interface CataloguedTool {
  name: string;
  definition: ToolDefinition;
  /** Of the definition's RFC 8785 form. */
  hash: string;
}

/** More tools of one server are of no use to a model; the largest real catalogues have some hundreds. */
export const toolsMax = 2_000;
/** A definition of this size would fill a model's context by itself. */
export const definitionMaxBytes = 64 * 1024;

export interface CatalogueReading {
  tools: CataloguedTool[];
  /** Sentences about tools that were left out. */
  leftOut: string[];
}

/** The usable ones of what a server lists. What is left out is told, and no bad tool hides a good one. */
export function readCatalogue(listed: readonly unknown[]): CatalogueReading {
  const tools = new Map<string, CataloguedTool>();
  const leftOut: string[] = [];
  for (const value of listed) {
    const problem = problemOf(value, tools);
    if (problem !== null) {
      leftOut.push(problem);
      continue;
    }
    const definition = value as ToolDefinition;
    tools.set(definition.name, { name: definition.name, definition, hash: contentHash(definition) });
  }
  return { tools: [...tools.values()].sort((left, right) => compare(left.name, right.name)), leftOut };
}

function problemOf(value: unknown, known: ReadonlyMap<string, CataloguedTool>): string | null {
  if (typeof value !== 'object' || value === null) return 'a tool is no object';
  const { name, inputSchema } = value as Partial<ToolDefinition>;
  if (typeof name !== 'string' || !toolNamePattern.test(name)) return `a tool's name cannot be used: ${JSON.stringify(name)?.slice(0, 80)}`;
  if (known.has(name)) return `the tool ${name} is listed twice`;
  if (known.size >= toolsMax) return `the tool ${name} is one more than ${toolsMax}`;
  if (typeof inputSchema !== 'object' || inputSchema === null || Array.isArray(inputSchema)) return `the tool ${name} has no input schema`;
  if (JSON.stringify(value).length > definitionMaxBytes)
    return `the definition of the tool ${name} is longer than ${definitionMaxBytes} bytes`;
  return null;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

export interface CatalogueChange {
  added: string[];
  removed: string[];
  changed: string[];
}

/** What came, went, or is defined in another way; null when nothing did. */
export function catalogueChange(before: ReadonlyMap<string, CataloguedTool>, after: readonly CataloguedTool[]): CatalogueChange | null {
  const names = new Set(after.map(({ name }) => name));
  const change = {
    added: after.filter(({ name }) => !before.has(name)).map(({ name }) => name),
    removed: [...before.keys()].filter((name) => !names.has(name)),
    changed: after.filter(({ name, hash }) => before.has(name) && before.get(name)!.hash !== hash).map(({ name }) => name),
  };
  return change.added.length + change.removed.length + change.changed.length === 0 ? null : change;
}

/** The tool as lists show it. */
export function toolView(server: string, { name, definition }: CataloguedTool, isVerbatim = false): ListedTool {
  const { title, description, inputSchema, outputSchema, annotations } = definition;
  const named = typeof title === 'string' ? title : (annotations as { title?: unknown } | undefined)?.title;
  return {
    server,
    name,
    ...(typeof named === 'string' && { title: named }),
    description: typeof description === 'string' ? description : '',
    inputSchema,
    ...(isObject(outputSchema) && { outputSchema }),
    ...(isObject(annotations) && { annotations }),
    ...(isVerbatim && { definition }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
