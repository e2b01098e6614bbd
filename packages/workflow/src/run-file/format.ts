import { createHash } from 'node:crypto';
import type { WorkflowManifest } from '../language/manifest.ts';

/**
 * A run as a file: JSON, one document a line. First the head, then the large values by name, then each transition with its number (before one by which the run went
 * over to another definition, that), and the end, which has a hash over all lines before it: what is cut or changed on the way is noticed. It is no signature:
 * whoever wants to deceive can make one.
 */
export const runFileFormat = 'signalbox.run';
/** The newest that is read. What it has beside the first are further definitions: a file without them is written as the first. */
export const runFileVersion = 2;
/** A file, and one line of it. */
export const runFileMaxBytes = 32 * 1024 * 1024;
export const lineMaxBytes = 4 * 1024 * 1024;

/** The first line. */
export interface RunFileHead {
  format: typeof runFileFormat;
  version: number;
  run: {
    id: string;
    /** The workflow’s name, `agent/<name>`, of an eval `eval/<suite>`, or of a recorded run that was done again `counterfactual/<name>`. */
    workflow: string;
    workflowHash: string;
    labels: Record<string, string>;
    startedBy: string;
    /** ISO 8601. */
    createdAt: string;
  };
  definition: WorkflowManifest;
}

/** A definition that the run went over to. */
export interface RunFileDefinition {
  hash: string;
  definition: WorkflowManifest;
}

/** The last line. */
export interface RunFileEnd {
  end: { lines: number; sha256: string };
}

/** The hash over all lines up to this one; `before`: that over those before it, empty for the first. */
export function hashAfter(before: string, line: string): string {
  return createHash('sha256').update(`${before}\n${line}`).digest('hex');
}
