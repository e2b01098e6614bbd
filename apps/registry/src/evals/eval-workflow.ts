import { recordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { StepManifest, WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import type { AgentGrader } from '../manifests/manifest.ts';
import type { SuiteWithCases } from './eval-row.ts';

const maxParallelDefault = 8;
export const callStep = 'call';

/** An agent that grades, its place among the graders of the suite, and the version that does it. */
export interface PinnedGrader {
  index: number;
  agent: string;
  version: number;
}

/** The step in which an agent grades what was recorded. */
export function beforeStep(index: number): string {
  return `before${index}`;
}

/** The step in which an agent grades. */
export function gradeStep(index: number): string {
  return `grade${index}`;
}

/**
 * The run that an eval is: each case is put to that very version, so many times, and each answer is given to the agents that grade as soon as it is there.
 * What can be graded without anybody is graded when the run has ended.
 */
export function evalWorkflow(
  { metadata, spec }: SuiteWithCases,
  call: { agent: string; version: number; repeats: number },
  graders: readonly PinnedGrader[],
): { manifest: WorkflowManifest; input: Json } {
  const { maxParallel = maxParallelDefault, timeout, totalTimeout, budget, usesAtMost } = spec;
  const each: StepManifest = {
    maxParallel,
    // One call that fails is an answer too.
    onError: 'continue',
    ...(usesAtMost && { usesAtMost }),
  };
  const ofCall: StepManifest = { ...each, ...(timeout !== undefined && { timeout }) };
  const steps: Record<string, StepManifest> = {
    [callStep]: { ...each, forEach: '${{ input.order }}', ...askOf(spec, call) },
  };
  for (const { index, agent, version } of graders) {
    const { skill: gradesBy } = spec.graders[index] as AgentGrader;
    steps[gradeStep(index)] = {
      ...ofCall,
      forEach: { items: `\${{ steps.${callStep}.output }}`, stream: true },
      agent,
      version,
      ...(gradesBy !== undefined && { skill: gradesBy }),
      with: {
        input: '${{ input.cases[int(input.order[index])].input }}',
        expected: spec.recorded ? null : '${{ input.cases[int(input.order[index])].expected }}',
        output: '${{ item }}',
        rubric: `\${{ input.rubrics["${index}"] }}`,
      },
    };
    if (spec.recorded === undefined) continue;
    // By the same judge, which is not told which answer is the older one.
    steps[beforeStep(index)] = {
      ...ofCall,
      forEach: '${{ input.cases }}',
      agent,
      version,
      ...(gradesBy !== undefined && { skill: gradesBy }),
      with: { input: '${{ item.input }}', expected: null, output: '${{ item.expected }}', rubric: `\${{ input.rubrics["${index}"] }}` },
    };
  }
  const cases = spec.cases.map(({ input = {}, expected = null, run }) => ({ input, expected, ...(run !== undefined && { run }) }));
  // A case has its repeats one after another: attempt n is of case n / repeats.
  const order = cases.flatMap((_, index) => Array.from({ length: call.repeats }, () => index));
  const rubrics = Object.fromEntries(graders.map(({ index }) => [String(index), (spec.graders[index] as AgentGrader).rubric ?? null]));
  return {
    manifest: {
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: metadata.name },
      spec: {
        steps,
        outputs: null,
        ...(totalTimeout !== undefined && { timeout: totalTimeout }),
        ...(budget && { budget }),
      },
    },
    input: { cases, order, rubrics },
  };
}

/** What is done with each case: the agent is asked it, or the recorded run that it is is done again with that version. */
function askOf({ skill, recorded, timeout }: SuiteWithCases['spec'], { agent, version }: { agent: string; version: number }): StepManifest {
  if (recorded?.runs === undefined) {
    const input = '${{ input.cases[int(item)].input }}';
    return { agent, version, ...(skill !== undefined && { skill }), ...(timeout !== undefined && { timeout }), with: input };
  }
  const { onDivergence = 'end' } = recorded;
  return {
    workflow: recordedRun,
    with: { run: '${{ input.cases[int(item)].run }}', agent, version, onDivergence },
    ...(timeout !== undefined && { timeouts: { total: timeout } }),
  };
}
