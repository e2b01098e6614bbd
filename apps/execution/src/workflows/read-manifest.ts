import { Fault } from '@signalbox/shared/errors/fault.js';
import { readFileSync } from 'node:fs';
import { workflowSchema } from '@signalbox/workflow/language/read-schema.js';
import type { ScheduleManifest } from '../schedules/schedule.ts';
import type { TriggerManifest } from '../triggers/trigger.ts';
import { schemaCheck } from '@signalbox/workflow/language/schema-check.js';

function readSchema(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), 'utf8')) as Record<string, unknown>;
}

/** The published JSON Schemas of the kinds of manifests that are kept here. */
export const schemas = { Workflow: workflowSchema, Schedule: readSchema('schedule'), Trigger: readSchema('trigger') } as const;

export const checkScheduleManifest = schemaCheck<ScheduleManifest>(schemas.Schedule, 'docs/schedules.md says what a schedule may hold.');
export const checkTriggerManifest = schemaCheck<TriggerManifest>(schemas.Trigger, 'docs/schedules.md says what a trigger may hold.');

/** Refuses a manifest that is of another name than the one it is applied to. */
export function requireName({ metadata }: { metadata: { name: string } }, name: string): void {
  if (metadata.name === name) return;
  throw new Fault('invalid', `the manifest is of ${metadata.name}, not of ${name}`, 'Give both the same name.', {
    errors: [{ pointer: '/metadata/name', detail: `must be ${name}` }],
  });
}

/** Refuses a change to what is not at the version that its author has seen. `what`: as `workflow report`. */
export function requireVersion(what: string, version: number, expected: number | undefined): void {
  if (expected === undefined || expected === version) return;
  throw new Fault('conflict', `the ${what} is at version ${version}, not ${expected}`, 'Read it again and repeat the change.', {
    status: 412,
  });
}
