import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { Graph } from '../core/graph.ts';
import { compileWorkflow } from './compile.ts';
import { definitionOf, type Definition } from './definition.ts';
import { checkInputSchema } from './input-schema.ts';
import type { WorkflowManifest } from './manifest.ts';
import { checkManifest } from './read-schema.ts';
import { errorsMax } from './read-source.ts';
import { unescape } from './template.ts';

/**
 * The definition and graph of a manifest, wholly checked: nothing that could not be started gets through. `invalid` with a pointer for each
 * wrong place. `compile`: one that knows what it has compiled.
 */
export function checkDefinition(
  value: unknown,
  compile: (definition: Definition) => Graph = ({ manifest, hash }) => compileWorkflow(manifest, hash),
): { definition: Definition; graph: Graph } {
  const manifest = checkWhole(value);
  const definition = definitionOf(manifest);
  checkInputSchema(manifest.spec.input);
  return { definition, graph: compile(definition) };
}

/** The manifest, where it satisfies the schema. Where not, what is wrong beside that is told too: one answer names all of it. */
function checkWhole(value: unknown): WorkflowManifest {
  try {
    return checkManifest(value);
  } catch (thrown) {
    const errors = thrown instanceof Fault ? (thrown.errors ?? []) : [];
    const more = errors.length === 0 ? [] : errorsOfRest(value, errors);
    if (more.length === 0) throw thrown;
    const all = [...errors, ...more].slice(0, errorsMax);
    throw new Fault('invalid', `${all.length} places of the manifest are wrong`, (thrown as Fault).next, { errors: all, cause: thrown });
  }
}

/** What the compiler says of a manifest without the parts that do not satisfy the schema: their steps are there, and do nothing. */
function errorsOfRest(value: unknown, wrong: readonly FaultDetail[]): FaultDetail[] {
  const { spec } = (value ?? {}) as { spec?: unknown };
  if (typeof spec !== 'object' || spec === null) return [];
  const rest = structuredClone(spec) as Record<string, unknown>;
  for (const { pointer } of wrong) {
    const [, top, field, key] = pointer.split('/').map(unescape);
    if (top !== 'spec' || field === undefined) continue;
    const steps = rest[field] as Record<string, unknown> | undefined;
    if (key !== undefined && (field === 'steps' || field === 'finally') && steps?.[key] !== undefined) steps[key] = { value: null };
    else delete rest[field];
  }
  try {
    compileWorkflow(checkManifest({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'rest' }, spec: rest }), '');
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    // Where the schema has something against the rest as well, that is said already.
    const known = new Set(wrong.map(({ pointer }) => pointer));
    return (thrown.errors ?? []).filter(({ pointer }) => pointer.startsWith('/spec/') && !known.has(pointer));
  }
}
