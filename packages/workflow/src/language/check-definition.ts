import type { Graph } from '../core/graph.ts';
import { compileWorkflow } from './compile.ts';
import { definitionOf, type Definition } from './definition.ts';
import { checkInputSchema } from './input-schema.ts';
import { checkManifest } from './read-schema.ts';

/**
 * The definition and graph of a manifest, wholly checked: nothing that could not be started gets through. `invalid` with a pointer for each
 * wrong place. `compile`: one that knows what it has compiled.
 */
export function checkDefinition(
  value: unknown,
  compile: (definition: Definition) => Graph = ({ manifest, hash }) => compileWorkflow(manifest, hash),
): { definition: Definition; graph: Graph } {
  const manifest = checkManifest(value);
  const definition = definitionOf(manifest);
  checkInputSchema(manifest.spec.input);
  return { definition, graph: compile(definition) };
}
