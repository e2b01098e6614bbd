import { describe, expect, test } from '@jest/globals';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { compileWorkflow } from './compile.ts';
import type { StepManifest, WorkflowManifest } from './manifest.ts';
import { checkManifest } from './read-schema.ts';

function manifest(steps: Record<string, StepManifest>, rest: object = {}): WorkflowManifest {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'test' }, spec: { steps, ...rest } };
}

function errorsOf(work: () => unknown): { pointer: string; detail: string }[] {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error.errors ?? [];
    throw error;
  }
  throw new Error('nothing was thrown');
}

const compile = (steps: Record<string, StepManifest>, rest: object = {}): ReturnType<typeof compileWorkflow> =>
  compileWorkflow(checkManifest(manifest(steps, rest)), 'h');

describe('a budget', () => {
  test('of a run and of a step is compiled with what follows at its limit', () => {
    const ask = { ask: { by: { roles: ['admin'] }, deadline: '2h' } };
    const graph = compile(
      {
        a: { agent: 'x', usesAtMost: { tokens: 10, costUsd: 0.5 }, budget: { tokens: 100, onLimit: { model: 'm' } } as object },
        b: {
          llm: { model: 'm', prompt: 'x', maxTokens: 5, toolTokens: 7, tools: [{ agent: 'x', usesAtMost: { tokens: 3, costUsd: 1 } }] },
        },
        c: { workflow: 'sub', usesAtMost: { tokens: 1, costUsd: 1, steps: 4 } },
      },
      { budget: { tokens: 1_000, costUsd: 2.5, steps: 9, time: '1h', depth: 2, onLimit: ask } },
    );
    expect(graph.budget).toEqual({
      limit: { tokens: 1_000, costUsd: 2.5, steps: 9 },
      timeMs: 3_600_000,
      depth: 2,
      onLimit: { do: 'ask', by: { roles: ['admin'], principals: [] }, deadlineMs: 7_200_000 },
    });
    expect(graph.steps[0]).toMatchObject({
      most: { tokens: 10 },
      budget: { limit: { tokens: 100 }, onLimit: { do: 'model', model: 'm' } },
    });
    expect(graph.steps[1]?.llm).toMatchObject({
      tools: [{ agent: 'x' }],
      toolTokens: 7,
      most: [{ of: { agent: 'x' }, most: { tokens: 3 } }],
    });
    expect(graph.steps[1]?.llm?.tools).toEqual([{ agent: 'x' }]);
  });

  test.each<[string, StepManifest, object, string[]]>([
    ['a model whose turns have no end', { llm: { model: 'm', prompt: 'x' } }, { tokens: 5 }, ['/llm']],
    [
      'an agent that a model calls',
      { llm: { model: 'm', prompt: 'x', maxTokens: 1, tools: [{ agent: 'x' }] } },
      { costUsd: 1 },
      ['/llm/tools/0'],
    ],
    ['an agent that does not say what it uses', { agent: 'x', usesAtMost: { tokens: 1 } }, { costUsd: 1 }, ['']],
    ['a workflow without a share', { workflow: 'sub' }, { tokens: 5, steps: 3 }, ['', '']],
    ['what undoes a step', { tool: 'a/b', compensate: { agent: 'x' } }, { tokens: 5 }, ['/compensate']],
  ])('is refused with %s, which may use any amount', (_, step, budget, pointers) => {
    const errors = errorsOf(() => compile({ a: step }, { budget }));
    expect(errors.map(({ pointer }) => pointer)).toEqual(pointers.map((pointer) => `/spec/steps/a${pointer}`));
    expect(errors[0]?.detail).toMatch(/give (?:maxTokens|usesAtMost\.)/);
  });

  test.each<[string, StepManifest, string]>([
    ['time of one step', { tool: 'a/b', budget: { time: '1m' } }, '/budget/time'],
    ['what a tool uses', { tool: 'a/b', usesAtMost: { tokens: 1 } }, '/usesAtMost'],
    ['steps of an agent', { agent: 'x', usesAtMost: { steps: 1 } }, '/usesAtMost/steps'],
  ])('has no %s', (_, step, pointer) => {
    expect(errorsOf(() => compile({ a: step })).map((error) => error.pointer)).toEqual([`/spec/steps/a${pointer}`]);
  });

  test.each([{}, { tokens: 0 }, { money: 1 }, { tokens: 1, onLimit: 'wait' }, { tokens: 1, onLimit: { ask: { by: {} } } }])(
    'does not fit the schema as %j',
    (budget) => {
      expect(errorsOf(() => checkManifest(manifest({ a: { tool: 'a/b' } }, { budget }))).length).toBeGreaterThan(0);
    },
  );
});
