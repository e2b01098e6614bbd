import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { speakersMax, stallOf } from './no-progress.ts';

const strict = { turns: 3, similarity: 1 };

describe('turns without progress', () => {
  test('are the same ones, whatever their case, spaces and punctuation', () => {
    expect(stallOf(['It is 42.', 'it is 42', ' It is  42! '], strict)).toBe('the last 3 turns gave the same');
    expect(stallOf(['It is 42.', 'it is 42'], strict)).toBeUndefined();
    expect(stallOf(['It is 42.', 'it is 43', 'it is 42'], strict)).toBeUndefined();
    expect(stallOf([{ board: 1 }, { board: 1 }, { board: 1 }], strict)).toBeDefined();
  });

  test('are found where several speakers go in circles', () => {
    expect(stallOf(['x', ...Array.from({ length: 3 }, () => ['After you.', 'No, after you.']).flat()], strict)).toBe(
      'the last 2 turns gave the same 3 times over',
    );
  });

  test('are those that only thank each other, in ever new words', () => {
    const polite = ['Thank you so much!', 'You are very welcome, and thank you.', { text: 'Great working with you all. Goodbye!' }];
    expect(stallOf(polite, strict)).toBe('the last 3 turns are courtesies alone');
    expect(stallOf([...polite, 'Thank you. The bridge is 40 m long.'], strict)).toBeUndefined();
    expect(stallOf(['yes', 'you', 'to'], strict)).toBeUndefined();
  });

  test('are nearly the same where the step says how much may differ', () => {
    const said = ['a', 'b', 'c'].map((word) => `the draft has nine words and one that is ${word}`);
    expect(stallOf(said, strict)).toBeUndefined();
    expect(stallOf(said, { turns: 3, similarity: 0.9 })).toBe('the last 3 turns gave nearly the same');
    expect(stallOf(said, { turns: 3, similarity: 0.95 })).toBeUndefined();
  });

  test('are never found among turns that all differ, and always in a circle of few', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { maxLength: 60 }), fc.integer({ min: 2, max: 5 }), (said, turns) => {
        expect(
          stallOf(
            said.map(String).map((text) => text.replace('-', 'minus')),
            { turns, similarity: 1 },
          ),
        ).toBeUndefined();
      }),
    );
    const circles = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: speakersMax });
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), circles, fc.integer({ min: 2, max: 5 }), (before, circle, turns) => {
        const said = [...before, ...Array.from({ length: turns }, () => circle).flat()];
        expect(stallOf(said, { turns, similarity: 1 })).toBeDefined();
      }),
    );
  });
});
