import { readFileSync } from 'node:fs';
import type { WorkflowManifest } from './manifest.ts';
import { schemaCheck } from './schema-check.ts';

/** The published JSON Schema of workflows. */
export const workflowSchema = JSON.parse(readFileSync(new URL('../../schemas/workflow.schema.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>;

/** Check a workflow against its schema. `invalid` with a pointer for each wrong place. */
export const checkManifest = schemaCheck<WorkflowManifest>(workflowSchema);
