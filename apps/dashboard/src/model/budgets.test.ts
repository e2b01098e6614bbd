import type { BudgetUse } from '@signalbox/sdk/client/runs.js';
import { expect, test } from '@jest/globals';
import { budgetsByOwner, budgetTone, measureWord, ownerText, shares, useText } from './budgets.ts';

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
