import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { turnOf, type Seen } from './hysteresis.ts';

const policy = { afterMs: 30, restoreMs: 100 };

/** What is seen at each tick of ten, and when it moved. */
function play(short: readonly boolean[], isScaledBack = false): { at: number; move: string }[] {
  let seen: Seen | undefined;
  let is = isScaledBack;
  return short.flatMap((isShort, tick) => {
    const turn = turnOf(seen, { at: tick * 10, isShort, isScaledBack: is }, policy);
    seen = turn.seen;
    if (turn.move !== undefined) is = turn.move === 'begin';
    return turn.move === undefined ? [] : [{ at: tick * 10, move: turn.move }];
  });
}

const times = (count: number, value: boolean): boolean[] => Array.from({ length: count }, () => value);

test('it is scaled back when capacity was short for as long as the workflow says, and restored when it was there for so long', () => {
  expect(play([...times(5, false), ...times(20, true), ...times(20, false)])).toEqual([
    { at: 80, move: 'begin' },
    { at: 350, move: 'end' },
  ]);
});

test('what lasts shorter counts from the start again', () => {
  expect(play([...times(3, true), false, ...times(3, true), false])).toEqual([]);
  expect(play([...times(9, false), true, ...times(9, false)], true)).toEqual([]);
});

test('after somebody has restored it, being short counts anew', () => {
  let turn = turnOf(undefined, { at: 0, isShort: true, isScaledBack: true }, policy);
  turn = turnOf(turn.seen, { at: 500, isShort: true, isScaledBack: false }, policy);
  expect(turn.move).toBeUndefined();
  turn = turnOf(turn.seen, { at: 520, isShort: true, isScaledBack: false }, policy);
  expect(turn.move).toBeUndefined();
  expect(turnOf(turn.seen, { at: 530, isShort: true, isScaledBack: false }, policy).move).toBe('begin');
});

test('whatever is seen, moves alternate, and two are never nearer than what has to last', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.boolean(), (short, isScaledBack) => {
      const moves = play(short, isScaledBack);
      moves.forEach(({ at, move }, index) => {
        expect(move).toBe((index % 2 === 0) === isScaledBack ? 'end' : 'begin');
        const since = moves[index - 1]?.at ?? 0;
        expect(at - since).toBeGreaterThanOrEqual(move === 'begin' ? policy.afterMs : policy.restoreMs);
      });
    }),
  );
});
