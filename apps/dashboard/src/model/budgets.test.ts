import type { BudgetUse } from '@signalbox/sdk/client/runs.js';
import { expect, test } from '@jest/globals';
import type { Budget } from '@signalbox/sdk/client/budgets.js';
import {
  budgetsByOwner,
  budgetsSentence,
  budgetTone,
  draftOf,
  effectOf,
  measureWord,
  ownerText,
  scopeHref,
  scopeText,
  shares,
  specOf,
  usesOf,
  useText,
} from './budgets.ts';

const use: BudgetUse = { of: 'run', measure: 'tokens', limit: 2_000, spent: 1_000, held: 500, unreported: 0 };

test('a budget says what is used, what is set aside, and of whom it is', () => {
  expect(useText(use)).toBe('1,000 of 2,000 used, 500 set aside');
  expect(useText({ ...use, measure: 'costUsd', limit: 2, spent: 0.25, held: 0 })).toBe('$0.25 of $2.00 used');
  expect(['run', 'step:read', 'workspace', 'workflow/nightly', 'agent/reader'].map(ownerText)).toEqual([
    'The whole run',
    'Step read',
    'Its part of the workspace',
    'Its part of workflow nightly',
    'Its part of agent reader',
  ]);
  expect(['tokens', 'costUsd', 'steps', 'later'].map(measureWord)).toEqual(['Tokens', 'Cost', 'Steps', 'later']);
});

test('a bar is never longer than its track', () => {
  expect(shares(use)).toEqual({ spent: 0.5, held: 0.25 });
  expect(shares({ limit: 100, spent: 90, held: 40 }).held).toBeCloseTo(0.1);
  expect(shares({ limit: 100, spent: 150, held: 40 })).toEqual({ spent: 1, held: 0 });
  expect(shares({ limit: 0, spent: 0, held: 0 })).toEqual({ spent: 1, held: 0 });
});

test('its colour warns from four fifths on', () => {
  expect([0, 79, 80, 99, 100].map((spent) => budgetTone({ limit: 100, spent }))).toEqual(['clear', 'clear', 'caution', 'caution', 'stop']);
});

test('budgets of one owner stand together', () => {
  const step = { ...use, of: 'step:read' };
  expect(budgetsByOwner([use, step, { ...use, measure: 'steps' }])).toEqual([
    ['run', [use, { ...use, measure: 'steps' }]],
    ['step:read', [step]],
  ]);
});

const budget: Budget = {
  scope: 'workflow/report',
  description: null,
  labels: {},
  period: 'day',
  limit: { tokens: 1_000, costUsd: 2 },
  perCall: { tokens: 50, steps: 1 },
  spent: { tokens: 850, costUsd: 0.5, steps: 9 },
  given: { tokens: 100, costUsd: 0, steps: 1 },
  renewsAt: null,
  version: 1,
  createdAt: '',
  updatedAt: '',
};

test('a budget above runs says how it stands', () => {
  expect(usesOf(budget).map(useText)).toEqual(['850 of 1,000 used, 100 set aside', '$0.50 of $2.00 used']);
  expect(['workspace', 'workflow/report', 'agent/reader'].map((scope) => [scopeText(scope), scopeHref(scope)])).toEqual([
    ['The whole workspace', null],
    ['Workflow report', '/workflows/report'],
    ['Agent reader', '/agents/reader'],
  ]);
  const gone = { ...budget, limit: { steps: 9 } };
  expect(budgetsSentence([{ ...budget, limit: { steps: 90 } }])).toBe('1 budget above runs, none of them near its limit.');
  expect(budgetsSentence([budget, gone])).toBe('2 budgets above runs: 1 used up, 1 near the limit.');
});

test('a form says what is wrong with it, keeps what it does not show, and what it changes', () => {
  const draft = draftOf(budget);
  const made = (change: Partial<typeof draft>): ReturnType<typeof specOf> => specOf({ ...draft, ...change }, budget);
  expect(made({})).toEqual({ scope: 'workflow/report', spec: { limit: budget.limit, perCall: budget.perCall, period: 'day' } });
  expect(made({ tokens: '1.5' })).toEqual({ fault: expect.stringContaining('whole numbers') });
  expect(made({ costUsd: 'much' })).toEqual({ fault: expect.stringContaining('12.50') });
  expect(made({ tokens: ' ', costUsd: '' })).toEqual({ fault: expect.stringContaining('at least one') });
  expect(specOf({ ...draftOf(null), kind: 'agent', costUsd: '1' }, null)).toEqual({ fault: 'Choose the agent.' });
  expect(effectOf({ limit: budget.limit, perCall: budget.perCall, period: 'day' }, budget)).toEqual([]);
  expect(effectOf({ limit: { tokens: 900 }, perCall: {}, period: 'month' }, budget)).toEqual([
    'Tokens: 900 in place of 1,000.',
    'Cost: no limit in place of $2.00.',
    'What a call is taken to use changes for runs that begin from now on.',
    'It counts a month in place of a day: what is spent in a period that is over counts no more.',
    'Tokens: all of it is spent or set aside already, so calls that need more fail, or ask.',
  ]);
});
