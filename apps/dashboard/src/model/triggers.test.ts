import { expect, test } from '@jest/globals';
import { isComplete, triggerSpecOf, type TriggerDraft } from './triggers.ts';

const draft: TriggerDraft = {
  ...{ name: 'on-push', description: '', workflow: 'report', kind: 'webhook', secret: ' forge ', signature: 'github' },
  ...{ watched: '', statuses: [], event: 'agent.changed', condition: ' ', input: '' },
};

test('a form becomes a specification of the kind that is chosen; what it does not show is kept', () => {
  expect(triggerSpecOf(draft)).toEqual({
    spec: { workflow: 'report', on: { webhook: { secret: 'secret://forge', signature: 'github' } } },
  });
  const kept = { workflow: 'old', priority: 2, if: 'true', input: 1, on: { webhook: { secret: 'secret://old', ratePerMinute: 9 } } };
  expect(triggerSpecOf({ ...draft, condition: 'event.type == "push"', input: '{"a":1}' }, kept)).toEqual({
    spec: {
      ...{ workflow: 'report', priority: 2, if: 'event.type == "push"', input: { a: 1 } },
      on: { webhook: { secret: 'secret://forge', signature: 'github', ratePerMinute: 9 } },
    },
  });
  const onEnd = { ...draft, kind: 'runEnded', watched: 'build' } as const;
  expect(triggerSpecOf(onEnd, kept)).toEqual({ spec: { workflow: 'report', priority: 2, on: { runEnded: { workflow: 'build' } } } });
  expect(triggerSpecOf({ ...onEnd, statuses: ['failed'] })).toMatchObject({ spec: { on: { runEnded: { status: ['failed'] } } } });
  expect(triggerSpecOf({ ...draft, kind: 'event' })).toMatchObject({ spec: { on: { event: { type: 'agent.changed' } } } });
  expect(triggerSpecOf({ ...draft, input: '{' })).toEqual({ fault: expect.stringMatching(/not JSON/) as unknown });
});

test('it is complete when what is heard is said too', () => {
  expect(isComplete(draft)).toBe(true);
  expect(isComplete({ ...draft, secret: ' ' })).toBe(false);
  expect(isComplete({ ...draft, kind: 'runEnded' })).toBe(false);
  expect(isComplete({ ...draft, kind: 'event', secret: '' })).toBe(true);
  expect(isComplete({ ...draft, workflow: '' })).toBe(false);
});
