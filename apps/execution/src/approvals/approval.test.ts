import { describe, expect, test } from '@jest/globals';
import { approvalRows } from './approval-row.ts';
import { askOf, approvalStatus, type Answerer, type ApprovalPolicy } from '@signalbox/workflow/core/approval.js';
import { decide } from '@signalbox/workflow/core/decide.js';
import type { RunEvent, Transition } from '@signalbox/workflow/core/events.js';
import { keptOf } from '@signalbox/workflow/core/fork.js';
import { defaultRetry, ExpressionError, type Graph, type GraphStep } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { isWaiting } from '@signalbox/workflow/core/progress.js';
import { openEffects, restore } from '@signalbox/workflow/core/restore.js';
import type { Turn } from '@signalbox/workflow/core/turn.js';
import { newRun, unitOf, type RunState, type UnitState } from '@signalbox/workflow/core/state.js';

const ann: Answerer = { id: 'user_ann', name: 'ann', roles: ['operator'], isStarter: false };
const bob: Answerer = { id: 'user_bob', name: 'bob', roles: ['admin'], isStarter: false };
const minute = 60_000;

/** A step that asks, and one that takes up the answer. */
function graphOf(approval: Record<string, Json>, policy: Partial<ApprovalPolicy> = {}, rest: Partial<GraphStep> = {}): Graph {
  const base = { maxParallel: 10, target: '', retry: defaultRetry, timeoutMs: 1_000, onError: 'fail' as const };
  const ask: GraphStep = {
    ...base,
    id: 0,
    key: 'ask',
    kind: 'approval',
    needs: [],
    dependents: [1],
    input: () => ({ approval: { message: 'Go on?', ...approval } }),
    approval: { onDeadline: 'fail', onReject: 'fail', ...policy },
    ...rest,
  };
  const said: GraphStep = {
    ...base,
    id: 1,
    key: 'said',
    kind: 'value',
    needs: [0],
    dependents: [],
    input: ({ steps }) => steps['ask']?.output ?? null,
  };
  return {
    name: 'test',
    hash: 'h',
    steps: [ask, said],
    output: ({ steps }) => steps['said']?.output ?? null,
    timeoutMs: 10_000_000,
  };
}

/** A run whose every turn is also played to a copy that its history alone has made, as a new owner would. */
class Play {
  state: RunState;
  readonly history: Transition[] = [];
  at = minute;

  constructor(readonly graph: Graph) {
    this.state = newRun('run', graph);
    this.tell({ type: 'start', input: {}, depth: 0 });
  }

  tell(event: RunEvent): Turn {
    const turn = decide(this.state, event, { at: this.at, random: () => 0.5, newRunId: () => 'child', newId: () => 'id' });
    this.history.push(...turn.transitions);
    const again = restore('run', this.graph, JSON.parse(JSON.stringify(this.history)) as Transition[]);
    expect(JSON.parse(JSON.stringify(this.state))).toMatchObject(JSON.parse(JSON.stringify(again)));
    return turn;
  }

  answer(by: Answerer, approved: boolean, rest: { data?: Json; comment?: string } = {}, i = -1): Turn['outcome'] {
    return this.tell({ type: 'answer', s: 0, i, n: 1, by, approved, data: rest.data ?? null, comment: rest.comment ?? null }).outcome;
  }

  /** Lets the time come that the approval waits for, in a new owner, which finds it open. */
  wait(): number {
    const [wake] = openEffects(this.state);
    if (wake?.e !== 'wakeAt') throw new Error('nothing is waited for');
    this.state = restore('run', this.graph, this.history);
    this.at = wake.due;
    this.tell({ type: 'due', timer: 'wake', s: 0, i: wake.i, n: 1 });
    return wake.due;
  }

  get status(): string {
    return approvalStatus(unitOf(this.state, 0, -1) as UnitState);
  }
}

describe('an approval', () => {
  test('waits for a person, and gives who approved, when, with which data', () => {
    const play = new Play(graphOf({ by: { principals: ['ann'] } }));
    expect(isWaiting(play.state)).toBe(true);
    play.at += 5;
    expect(play.answer(ann, true, { data: { amount: 3 }, comment: 'fine' })).toBe('taken');
    expect(play.state).toMatchObject({
      status: 'succeeded',
      output: {
        approved: true,
        by: { id: 'user_ann', name: 'ann' },
        at: new Date(minute + 5).toISOString(),
        data: { amount: 3 },
        comment: 'fine',
      },
    });
  });

  test('that is rejected fails its step for good, or goes on where that is said', () => {
    const play = new Play(graphOf({}, {}, { retry: { ...defaultRetry, attempts: 5, nonRetryable: [] } }));
    play.answer(bob, false, { comment: 'too dear' });
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'rejected',
      error: { code: 'rejected', isFinal: true, detail: 'ask: bob rejected it: too dear' },
    });
    const lenient = new Play(graphOf({}, { onReject: 'continue' }));
    lenient.answer(bob, false);
    expect(lenient.state).toMatchObject({ status: 'succeeded', output: { approved: false, by: { name: 'bob' } } });
  });

  test('takes one answer: the same again is known, another is refused, also once the run has ended', () => {
    const play = new Play(graphOf({}, {}, { items: () => [1, 2] }));
    expect(play.answer(ann, true, { data: 1 }, 0)).toBe('taken');
    expect(play.answer(ann, true, { data: 1 }, 0)).toBe('known');
    expect(play.answer(ann, true, { data: 2 }, 0)).toBe('stale');
    expect(play.answer(bob, true, { data: 1 }, 0)).toBe('stale');
    expect(play.answer(bob, true, {}, 1)).toBe('taken');
    expect(play.state.status).toBe('succeeded');
    expect(play.answer(ann, true, { data: 1 }, 0)).toBe('known');
    expect(play.answer(ann, false, {}, 0)).toBe('stale');
    expect(play.answer(ann, true, {}, 7)).toBe('stale');
  });

  test.each<[string, Record<string, Json>, Answerer, boolean]>([
    ['anybody where nobody is named', {}, ann, true],
    ['a role', { by: { roles: ['operator'] } }, ann, true],
    ['another role', { by: { roles: ['admin'] } }, ann, false],
    ['a name', { by: { principals: ['ann'] } }, ann, true],
    ['an identifier', { by: { principals: ['user_ann'] } }, ann, true],
    ['another name', { by: { principals: ['bob'] } }, ann, false],
    ['an agent of that name', { by: { principals: ['ann'] } }, { ...ann, id: 'agent_ann' }, false],
    ['an agent by its identifier', { by: { principals: ['agent_ann'] } }, { ...ann, id: 'agent_ann' }, true],
  ])('is answered by those who are named: %s', (_, approval, who, may) => {
    const play = new Play(graphOf(approval));
    expect(play.answer(who, true)).toBe(may ? 'taken' : 'stale');
    expect(play.status).toBe(may ? 'approved' : 'open');
  });

  test('is not answered by who started the run, where that is said', () => {
    const starter = { ...ann, isStarter: true };
    expect(new Play(graphOf({})).answer(starter, true)).toBe('taken');
    const play = new Play(graphOf({ by: { principals: ['ann'] } }, { notBy: 'starter' }));
    expect(play.answer(starter, true)).toBe('stale');
    expect(play.answer(ann, true)).toBe('taken');
  });

  test.each([
    ['fail', { status: 'failed', reason: 'timeout', error: { code: 'timeout' } }, 'expired'],
    ['approve', { status: 'succeeded', output: { approved: true, by: null, data: null } }, 'approved'],
    ['reject', { status: 'failed', reason: 'rejected', error: { detail: 'ask: the deadline rejected it' } }, 'rejected'],
  ] as const)('whose deadline passes does what is said: %s', (onDeadline, end, status) => {
    const play = new Play(graphOf({ deadline: '2m' }, { onDeadline }));
    expect(play.wait()).toBe(3 * minute);
    expect(play.state).toMatchObject(end);
    expect(play.status).toBe(status);
    expect(play.answer(ann, true)).toBe('stale');
  });

  test('takes no answer after its deadline, though nobody has noticed that it has passed', () => {
    const play = new Play(graphOf({ deadline: { until: new Date(2 * minute).toISOString() } }));
    play.at = 2 * minute;
    expect(play.answer(ann, true)).toBe('stale');
    play.at--;
    expect(play.answer(ann, true)).toBe('taken');
  });

  test('asks more people level by level, and the first ones still', () => {
    const escalate = [
      { after: '2m', by: { principals: ['carl'] } },
      { after: '1m', by: { roles: ['admin'] } },
    ];
    const approval = { by: { principals: ['ann'] }, deadline: '3m', escalate };
    const play = new Play(graphOf(approval));
    expect(play.answer(bob, true)).toBe('stale');
    expect(play.wait()).toBe(2 * minute);
    const other = new Play(graphOf(approval));
    other.wait();
    expect(other.answer(ann, true)).toBe('taken');
    expect(play.answer({ ...bob, id: 'user_carl', name: 'carl', roles: [] }, true)).toBe('stale');
    expect(play.wait()).toBe(3 * minute);
    expect(play.answer(bob, true)).toBe('taken');
    const last = new Play(graphOf(approval));
    expect([last.wait(), last.wait(), last.wait()]).toEqual([2 * minute, 3 * minute, 4 * minute]);
    expect(last.status).toBe('expired');
  });

  test('reminds those who may answer before its deadline, once each time, and as the same event', () => {
    const escalate = [{ after: '1m', by: { roles: ['admin'] } }];
    // Of an hour before there is no time left; an escalation and a reminder may come at once.
    const play = new Play(graphOf({ by: { principals: ['ann'] }, deadline: '3m', remind: ['30s', '2m', '1h', '30s'], escalate }));
    const stood = (): unknown[] => approvalRows(play.state, play.history, { workflow: 'w', principal: 'p' });
    expect(stood()).toMatchObject([{ reminded_at: null, reminders: 0, version: 1 }]);
    expect(play.wait()).toBe(2 * minute);
    expect(play.history.slice(-2).map(({ t }) => t)).toEqual(['escalated', 'reminded']);
    expect(stood()).toMatchObject([{ reminded_at: new Date(2 * minute).toISOString(), reminders: 1, version: 3 }]);
    expect(play.wait()).toBe(3.5 * minute);
    expect(stood()).toMatchObject([{ reminders: 2, version: 4 }]);
    expect(play.answer(bob, true)).toBe('taken');
    expect(stood()).toMatchObject([{ version: 5, status: 'approved' }]);
    const late = new Play(graphOf({ deadline: '3m', remind: ['2m', '1m'] }));
    late.at = 3.5 * minute;
    late.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    expect(unitOf(late.state, 0, -1)).toMatchObject({ approval: { reminded: 2 }, due: 4 * minute });
  });

  test('that an owner finds late asks all levels that are due at once', () => {
    const play = new Play(
      graphOf({ by: { principals: ['x'] }, escalate: ['1m', '2m'].map((after) => ({ after, by: { principals: [`${after}`] } })) }),
    );
    play.at = 10 * minute;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    expect(unitOf(play.state, 0, -1)).toMatchObject({ approval: { level: 2 }, due: undefined });
  });

  test('is withdrawn when its run ends before', () => {
    const play = new Play(graphOf({}));
    const { transitions } = play.tell({ type: 'cancel', by: 'ann' });
    expect(play.status).toBe('withdrawn');
    expect(approvalRows(play.state, transitions, { workflow: 'w', principal: 'p' })).toMatchObject([
      { status: 'withdrawn', answered_at: new Date(minute).toISOString(), answered_by: null },
    ]);
    expect(play.answer(ann, true)).toBe('stale');
  });

  test('is kept by a fork once it is approved, and asked again once it is rejected', () => {
    const approved = new Play(graphOf({}));
    approved.answer(ann, true, { data: 1 });
    expect(keptOf(approved.state, [])).toMatchObject([{ t: 'succeeded', s: 0, output: { data: 1 } }, { s: 1 }]);
    const rejected = new Play(graphOf({}));
    rejected.answer(ann, false);
    expect(keptOf(rejected.state, [])).toEqual([]);
    const forked = new Play(rejected.graph);
    expect(forked.status).toBe('open');
  });

  test('whose expressions give nothing usable fails its step', () => {
    const play = new Play(graphOf({ message: 7 }));
    expect(play.state).toMatchObject({
      status: 'failed',
      error: { code: 'invalid', detail: 'ask: /spec/steps/ask/approval/message: message must give a text' },
    });
  });
});

test.each<[Record<string, Json>, string]>([
  [{ message: ' ' }, 'message must give a text'],
  [{ message: 'x'.repeat(2_001) }, 'longer than 2000 characters'],
  [{ message: 'x', by: { principals: 'ann' } }, 'principals must give a list'],
  [{ message: 'x', by: { principals: [7] } }, 'principals must give a list'],
  [{ message: 'x', by: { principals: Array(21).fill('ann') as string[] } }, 'at most 20'],
  [{ message: 'x', by: { principals: [] } }, 'nobody could answer'],
  [{ message: 'x', deadline: 'soon' }, 'a duration is'],
  [{ message: 'x', deadline: { signal: 'go' } }, 'give a duration or { until }'],
])('what cannot be asked is said: %j', (approval, why) => {
  expect(() => askOf({ approval }, 0, '/approval')).toThrow(ExpressionError);
  expect(() => askOf({ approval }, 0, '/approval')).toThrow(why);
});

test('a message is text that the database takes', () => {
  expect(askOf({ approval: 'a\0b\ud800' }, 0, '')).toEqual({ message: 'ab\ufffd' });
});
