import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { SpokenText } from './spoken-text.ts';

const piece = (offset: number, text: string, turn = 1, attempt = 1) => ({ attempt, turn, offset, text });

test('whatever pieces are lost or come twice, what was said in the end is the answer', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ text: fc.string({ minLength: 1, maxLength: 5 }), times: fc.constantFrom(0, 1, 1, 1, 2) }), { maxLength: 8 }),
      fc.boolean(),
      (pieces, endsWhole) => {
        const spoken = new SpokenText();
        const answer = pieces.map(({ text }) => text).join('');
        let offset = 0;
        let said = '';
        for (const { text, times } of endsWhole ? pieces : pieces.slice(0, 3)) {
          for (let time = 0; time < times; time++) said += spoken.hear(piece(offset, text));
          offset += text.length;
        }
        expect(said + spoken.end(answer)).toBe(answer);
      },
    ),
  );
});

test('what was said before tools were used stands apart', () => {
  const spoken = new SpokenText();
  const said = [
    spoken.hear(piece(0, 'Let me look.')),
    spoken.hear(piece(0, 'It is', 2)),
    spoken.hear(piece(0, 'old', 1)),
    spoken.end('It is 5.'),
  ];
  expect(said.join('')).toBe('Let me look.\n\nIt is 5.');
});

test('after an attempt that failed in the middle the whole answer follows', () => {
  const spoken = new SpokenText();
  expect(spoken.hear(piece(0, 'The wea'))).toBe('The wea');
  expect(spoken.hear(piece(0, 'Rain', 1, 2))).toBe('');
  expect(spoken.end('Rain.')).toBe('\n\nRain.');
});

test('an attempt that failed before it said anything leaves no trace', () => {
  const spoken = new SpokenText();
  expect(spoken.hear(piece(0, '', 1, 1))).toBe('');
  expect(new SpokenText().end('whole')).toBe('whole');
  expect(new SpokenText().end('')).toBe('');
});
