import type { Json } from '@signalbox/workflow/core/json.js';
import { diff, type Difference } from '@signalbox/workflow/language/diff.js';
import type { StepManifest, WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import { bold, dim, green, line, red, yellow } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { changeLine } from '../views/change-lines.ts';

/** What became of one step. */
interface StepDifference {
  step: string;
  action: 'added' | 'removed' | 'changed';
  /** Of a changed step: its fields, as `retry.attempts`. */
  changes: readonly Difference[];
}

/** How two versions of a workflow differ, step by step. */
export interface WorkflowDifference {
  isSame: boolean;
  steps: readonly StepDifference[];
  /** All that is not of a step, as `spec.timeout`. */
  others: readonly Difference[];
}

/** Compares two manifests of workflows. */
export function workflowDifference(before: unknown, after: WorkflowManifest): WorkflowDifference {
  const { steps: from, ...older } = (before as WorkflowManifest).spec;
  const { steps: to, ...newer } = after.spec;
  const steps = [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((step): StepDifference[] => {
    const [old, young] = [from[step], to[step]] as [StepManifest | undefined, StepManifest | undefined];
    if (old === undefined) return [{ step, action: 'added', changes: diff({}, young as Json) }];
    if (young === undefined) return [{ step, action: 'removed', changes: diff(old as Json, {}) }];
    const changes = diff(old as Json, young as Json);
    return changes.length === 0 ? [] : [{ step, action: 'changed', changes }];
  });
  const rest = (manifest: WorkflowManifest, spec: object): Json => ({ metadata: manifest.metadata, spec }) as unknown as Json;
  const others = diff(rest(before as WorkflowManifest, older), rest(after, newer));
  return { isSame: steps.length === 0 && others.length === 0, steps, others };
}

const marks = { added: green('+'), removed: red('-'), changed: yellow('~') } as const;

/** The same for people. */
export function differenceLines(name: string, { steps, others }: WorkflowDifference): Styled[] {
  return [
    bold(`workflow ${name}`),
    ...steps.flatMap(({ step, action, changes }) => [
      line`  ${marks[action]} step ${bold(step)} ${dim(action === 'changed' ? '' : action)}`,
      ...changes.map((change) => changeLine(change, '      ')),
    ]),
    ...others.map((change) => changeLine(change, '  ')),
  ];
}
