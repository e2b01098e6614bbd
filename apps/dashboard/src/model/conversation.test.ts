import { describe, expect, test } from '@jest/globals';
import type { RunStep } from '../api/shapes.ts';
import { allowanceOf, approvalOf, conversationsIn, turnsOf, wasTold } from './conversation.ts';

const limits = { turns: 5, tokens: 1_000, costUsd: null, timeMs: 60_000 };
const start = Date.UTC(2026, 10, 26, 12);
const at = (ms: number): string => new Date(start + ms).toISOString();

function unit(index: number, more: Partial<RunStep>): RunStep {
  return {
    key: `ask[${index}]`,
    step: 'ask',
    index,
    kind: 'llm',
    label: 'ask',
    status: 'succeeded',
    agent: null,
    skill: null,
    tool: null,
    child: null,
    needs: [],
    waitingFor: [],
    queuedAt: at(index * 100),
    startedAt: at(index * 100),
    endedAt: at(index * 100 + 50),
    onCriticalPath: false,
    attempts: [{ number: 1, status: 'succeeded', agent: null, instance: null, startedAt: null, endedAt: null, error: null }],
    input: null,
    output: null,
    error: null,
    limits,
    ...more,
  };
}

const usage = { inputTokens: 90, outputTokens: 10, costUsd: 0.5 };
const calls = { text: 'I look.', toolCalls: [{ name: 'files__read' }, { name: 'reader' }, { name: 'files__drop' }] };
const steps = [
  unit(0, { model: 'm', input: { messages: [{ role: 'user', content: 'why?' }] }, output: calls, usage }),
  unit(1, { tool: 'files/read', output: { text: 'x' } }),
  unit(2, { agent: 'reader', skill: 'sum' }),
  unit(3, { status: 'failed', attempts: [] }),
  unit(4, { model: 'm', output: { truncated: true, bytes: 9, preview: '{"text":"Be' }, usage }),
];

describe('a conversation', () => {
  test('is its turns, with what was said, answered and called', () => {
    expect(conversationsIn([unit(0, { kind: 'agent', step: 'other' }), ...steps])).toEqual(['ask']);
    const turns = turnsOf(steps, 'ask');
    expect(turns).toMatchObject([
      { number: 1, said: [{ role: 'user', text: 'why?' }], answer: { text: 'I look.', isCut: false } },
      { number: 2, said: [], answer: { text: '{"text":"Be…', isCut: true }, calls: [] },
    ]);
    expect(turns[0]?.calls.map(({ name }) => name)).toEqual(['files/read', 'reader: sum', 'files__drop']);
  });

  test('has used the tokens and money of its turns, and the time since the first, until now where it goes on', () => {
    expect(allowanceOf(turnsOf(steps, 'ask'), start + 9_999)).toEqual({ turns: 2, tokens: 200, costUsd: 1, timeMs: 450, limits });
    const open = [...steps, unit(5, { tool: 'files/read', status: 'running', endedAt: null })];
    expect(allowanceOf(turnsOf(open, 'ask'), start + 9_999)).toMatchObject({ turns: 2, timeMs: 9_999 });
    // The turn that a limit did not let be asked.
    const limited = [...steps, unit(5, { model: 'm', status: 'failed', attempts: [] })];
    expect(allowanceOf(turnsOf(limited, 'ask'), 0).turns).toBe(2);
  });

  test('waits for an approval before a call that needs one', () => {
    expect(approvalOf({ waitingFor: [{ on: 'approval:approval_1', because: 'operators may answer' }] })).toBe('approval_1');
    expect(approvalOf({ waitingFor: [] })).toBeNull();
  });

  test('went on after a failure that the model was told of', () => {
    expect(steps.map((step) => wasTold(step, steps))).toEqual([false, true, true, true, false]);
    expect(wasTold(unit(5, { tool: 'files/read', status: 'failed' }), steps)).toBe(false);
  });
});
