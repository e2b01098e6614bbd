import { expect, test } from '@jest/globals';
import { compileWorkflow } from '@signalbox/workflow/language/compile.js';
import type { StepManifest, WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import { scaleBackOf } from '@signalbox/workflow/language/scale-back.js';
import { needsOf, shortageOf, type Capacity } from './capacity.ts';

function needs(steps: Record<string, StepManifest>, scaleBack: object = {}): string[][] {
  const spec = { steps, scaleBack: { to: 'small', ...scaleBack } };
  const manifest: WorkflowManifest = { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'big' }, spec };
  return needsOf(compileWorkflow(manifest, 'h'), scaleBackOf(spec)!);
}

const there: Capacity = { waitMs: 0 };

test('what steps cannot do without is needed: of agents that stand in for each other one', () => {
  expect(
    needs({
      a: { agent: 'a', fallback: 'spare' },
      again: { agent: 'a', fallback: 'spare' },
      b: { agent: 'b', skill: 's', failover: { skill: true } },
      c: { agent: '${{ input.who }}', agents: ['x', 'y'] },
      d: { agent: 'd', whenUnavailable: { skip: true } },
      e: { tool: 's/t', compensate: { agent: 'undoer' } },
    }),
  ).toEqual([['a', 'spare'], ['b'], ['x'], ['y']]);
  expect(needs({ a: { agent: 'a' }, b: { agent: 'b' } }, { agents: ['b'] })).toEqual([['b']]);
});

test('a workflow cannot be scaled back to itself, for agents that it does not call, or for none', () => {
  expect(() => needs({ a: { agent: 'a' } }, { to: 'big' })).toThrow('is this workflow itself');
  expect(() => needs({ a: { agent: 'a' } }, { agents: ['z'] })).toThrow('z is called by no step');
  expect(() => needs({ a: { value: 1 } })).toThrow('no step needs an agent');
});

test('it is short where nobody is there for one of the needs, or all of it wait too long', () => {
  const of =
    (known: Record<string, Capacity>) =>
    (agent: string): Capacity =>
      known[agent] ?? there;
  const two = [['a', 'spare'], ['b']];
  expect(shortageOf(two, of({}))).toBeUndefined();
  expect(shortageOf(two, of({ a: { away: 'it is idle', waitMs: 0 } }))).toBeUndefined();
  expect(shortageOf(two, of({ b: { away: 'it is idle', waitMs: 0 } }))).toEqual({
    agents: ['b'],
    because: 'nobody is there for b: it is idle',
  });
  const slow = { waitMs: 21_000 };
  expect(shortageOf(two, of({ a: slow, spare: slow }))).toBeUndefined();
  expect(shortageOf(two, of({ a: slow }), 20_000)).toBeUndefined();
  expect(shortageOf(two, of({ a: slow, spare: { away: 'gone', waitMs: 0 } }), 20_000)).toEqual({
    agents: ['a', 'spare'],
    because: 'a task of a has waited for 21 s; nobody is there for spare: gone',
  });
});
