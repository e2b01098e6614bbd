import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { endlessReference } from '@signalbox/shared/json-schema/endless.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';

/** Objects and arrays in one schema: more than any that a person writes, few enough to compile in milliseconds. */
const nodesMax = 1_000;
/** Deeper nesting is a mistake or an attack. */
const depthMax = 32;

/** What is wrong with the schemas that skills declare: each must stand by itself, refer to nothing outside, and be of a sane size. */
export function skillSchemaFaults(skills: readonly Skill[]): FaultDetail[] {
  const faults: FaultDetail[] = [];
  const seen = new Set<string>();
  skills.forEach((skill, index) => {
    if (seen.has(skill.name)) faults.push({ pointer: `/spec/skills/${index}/name`, detail: `names the skill ${skill.name} a second time` });
    seen.add(skill.name);
    for (const field of ['inputSchema', 'outputSchema'] as const) {
      const detail = skill[field] === undefined ? null : schemaFault(skill[field]);
      if (detail !== null) faults.push({ pointer: `/spec/skills/${index}/${field}`, detail });
    }
  });
  return faults;
}

/** Why this cannot be used as a JSON Schema, or null. */
export function schemaFault(schema: Record<string, unknown>): string | null {
  const sizeFault = measure(schema, 0, { nodes: 0 });
  if (sizeFault !== null) return sizeFault;
  const endless = endlessReference(schema);
  if (endless !== null) return `refers to itself without end, by ${endless.slice(0, 100)}`;
  try {
    // A new instance each time: compiled schemas stay in the one that compiled them.
    new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    return null;
  } catch (error) {
    return `is not a JSON Schema: ${(error as Error).message.slice(0, 300)}`;
  }
}

function measure(value: unknown, depth: number, count: { nodes: number }): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > depthMax) return `is nested more than ${depthMax} levels deep`;
  if (++count.nodes > nodesMax) return `has more than ${nodesMax} parts`;
  for (const [key, child] of Object.entries(value)) {
    if ((key === '$ref' || key === '$dynamicRef') && typeof child === 'string' && !child.startsWith('#')) {
      return `refers to ${child.slice(0, 100)}; only references within itself (#/…) are followed`;
    }
    const fault = measure(child, depth + 1, count);
    if (fault !== null) return fault;
  }
  return null;
}
