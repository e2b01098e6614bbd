import { edgesOf } from '../facts/graph.ts';
import { observe } from '../facts/observations.ts';
import type { Observation } from '../facts/observations.ts';
import type { PackageFacts } from '../facts/package-facts.ts';
import { computedSections } from './sections.ts';
import { count, list, thousands } from './words.ts';

/** What the keeper stores (`create_entities` and `create_relations` of the MCP server memory). */
export interface Entity {
  name: string;
  entityType: string;
  observations: string[];
}
export interface Relation {
  from: string;
  to: string;
  relationType: string;
}

/** All facts put together. */
export interface Combined {
  title: string;
  /** For the writer: few figures, and what stands out. */
  brief: Brief;
  /** The computed part of the report, Markdown. */
  sections: string;
  entities: Entity[];
  relations: Relation[];
  names: string[];
}

export interface Brief {
  folders: string[];
  packages: number;
  files: number;
  linesOfCode: number;
  tests: number;
  largest: { name: string; linesOfCode: number; what: string | null }[];
  observations: Observation[];
}

/** Combines the facts of all units; the same facts in any order give the same result. */
export function combine(facts: readonly PackageFacts[]): Combined {
  const packages = facts.filter((one) => one.files > 0).sort((a, b) => (a.id < b.id ? -1 : 1));
  const folders = [...new Set(packages.map((one) => one.folder))].sort();
  const edges = edgesOf(packages);
  const sum = (of: (one: PackageFacts) => number): number => packages.reduce((total, one) => total + of(one), 0);
  const nameOf = new Map(packages.map((one) => [one.id, one.name]));
  const bySize = [...packages].sort((a, b) => b.lines.code - a.lines.code || (a.id < b.id ? -1 : 1));
  return {
    title: `Report on ${list(folders)}`,
    brief: {
      folders,
      packages: packages.length,
      files: sum((one) => one.files),
      linesOfCode: sum((one) => one.lines.code),
      tests: sum((one) => one.tests.cases),
      largest: bySize.slice(0, 3).map((one) => ({ name: one.name, linesOfCode: one.lines.code, what: one.description })),
      observations: observe(packages),
    },
    sections: computedSections(packages, edges),
    entities: packages.map(entityOf),
    relations: edges.map(({ from, to, isTestOnly }) => ({
      from: nameOf.get(from) ?? from,
      to: nameOf.get(to) ?? to,
      relationType: isTestOnly ? 'is tested with' : 'depends on',
    })),
    names: packages.map((one) => one.name),
  };
}

function entityOf(one: PackageFacts): Entity {
  const { total, documented } = one.exports;
  return {
    name: one.name,
    entityType: one.hasManifest ? 'package' : 'folder',
    observations: [
      `lies in ${one.id}`,
      ...(one.description ? [one.description] : []),
      `has ${count(one.files, 'file')} and ${thousands(one.lines.code)} lines of code`,
      `has ${count(one.tests.cases, 'test')}`,
      ...(total > 0 ? [`exports ${count(total, 'name')}, ${thousands(documented)} documented`] : []),
    ],
  };
}
