import { describe, expect, test } from '@jest/globals';
import { graphOf, once, Play } from '../simulation/play.ts';
import { addLine, type AttemptLog } from './attempt-log.ts';
import { keptOf } from './fork.ts';
import { restore } from './restore.ts';
import type { RunEvent, Transition } from './events.ts';
import type { Given } from './turn.ts';

function said(count: number, message: (index: number) => string): AttemptLog | undefined {
  let log: AttemptLog | undefined;
  for (let index = 0; index < count; index++) log = addLine(log, { at: index, message: message(index) });
  return log;
}

describe('what was said of an attempt', () => {
  test('is its last lines, each cut, and how many came before them', () => {
    const log = said(60, (index) => `line ${index}`);
    expect(log).toMatchObject({ lines: { length: 50, 0: { at: 10, message: 'line 10' }, 49: { message: 'line 59' } }, dropped: 10 });
    const long = said(60, (index) => `${index} ${'x'.repeat(2_000)}`) as AttemptLog;
    expect(long.lines.length + long.dropped).toBe(60);
    expect(long.lines.at(-1)?.message).toHaveLength(500);
    expect(JSON.stringify(long.lines).length).toBeLessThan(18_000);
    const [line] = addLine(undefined, { at: 1, message: `${'x'.repeat(498)}😀 and more` }).lines;
    expect(line?.message).toBe(`${'x'.repeat(498)}…`);
  });

  test('has one line for what goes on under the same words', () => {
    let log = addLine(undefined, { at: 1, message: 'reads', fraction: 0.1 });
    log = addLine(log, { at: 2, message: 'reads', fraction: 0.2 });
    log = addLine(log, { at: 3, message: 'writes' });
    expect(log).toEqual({
      lines: [
        { at: 2, message: 'reads', fraction: 0.2 },
        { at: 3, message: 'writes' },
      ],
      dropped: 0,
    });
  });

  const logs = new Map<number, AttemptLog>();
  class Talking extends Play {
    override given(): Given {
      return { ...super.given(), logOf: ({ i, n }) => logs.get(i < 0 ? n : i) };
    }
  }

  const ends: [string, RunEvent][] = [
    ['a result', { type: 'completed', s: 0, i: -1, n: 2, output: 1 }],
    ['a failure', { type: 'completed', s: 0, i: -1, n: 2, error: { code: 'internal', detail: 'it failed' } }],
    ['a loss', { type: 'lost', s: 0, i: -1, n: 2, error: { code: 'unavailable', detail: 'gone' } }],
    ['its timeout', { type: 'due', timer: 'attempt', s: 0, i: -1, n: 2 }],
    ['a cancel', { type: 'cancel', by: 'ann' }],
  ];
  test.each(ends)('is recorded with what ends it: %s', (_, event) => {
    logs.clear();
    logs.set(1, addLine(undefined, { at: 1, message: 'first' })).set(2, { lines: [{ at: 2, message: 'second' }], dropped: 3 });
    const play = new Talking(graphOf([{ key: 'a', retry: { ...once, attempts: 2 } }]));
    play.start();
    play.complete(0, -1, 1, null, 'internal');
    play.at += 100;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    play.tell({ type: 'accepted', instance: 'w', s: 0, i: -1, n: 2 });
    play.at += 2_000;
    const { transitions } = play.tell(event);
    expect(transitions[0]).toEqual({ t: 'logged', at: play.at, s: 0, i: -1, n: 2, lines: [{ at: 2, message: 'second' }], dropped: 3 });
    expect(transitions.at(-1)).toMatchObject({ t: 'ended' });
    expect(play.state.steps[0]?.units[0]?.logs?.map(({ n }) => n)).toEqual([1, 2]);
    const again = restore('run', play.state.graph, JSON.parse(JSON.stringify(play.history)) as Transition[]);
    expect(again.steps[0]?.units[0]?.logs).toEqual(play.state.steps[0]?.units[0]?.logs);
    expect(keptOf(play.state, []).some(({ t }) => t === 'logged')).toBe(false);
  });

  test('is only counted once the attempts of a run have said very much', () => {
    logs.clear();
    const play = new Talking(graphOf([{ key: 'a', items: () => Array.from({ length: 100 }, () => 1) }]));
    play.start();
    for (let i = 0; i < 100; i++) logs.set(i, said(50, (index) => `${index} ${'x'.repeat(300)}`) as AttemptLog);
    const { transitions } = play.tell({ type: 'cancel', by: 'ann' });
    const logged = transitions.flatMap((transition) => (transition.t === 'logged' ? [transition] : []));
    expect(logged).toHaveLength(100);
    expect(JSON.stringify(logged).length).toBeLessThan(1_250_000);
    expect(logged.at(-1)).toMatchObject({ lines: [], dropped: 50 });
  });

  test('is nothing where nothing was said', () => {
    logs.clear();
    const play = new Talking(graphOf([{ key: 'a' }]));
    play.start();
    expect(play.complete(0, -1, 1, 'A').transitions.map(({ t }) => t)).toEqual(['succeeded', 'ended']);
    expect(play.state.steps[0]?.units[0]?.logs).toBeUndefined();
  });
});
