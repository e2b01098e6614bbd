import { appendFileSync } from 'node:fs';
import { test } from '@jest/globals';

/** One line of what a case saw: a number, an answer. Goes into the table at the end. */
export type Happened = (sentence: string) => void;

/** A part of a case: the id begins the test's name, and what happened is noted for the table. `tried` says which part, in a sentence. */
export function testCase(id: string, tried: string, run: (happened: Happened) => Promise<void>, timeoutMs = 60_000): void {
  test(
    `${id} ${tried}`,
    async () => {
      const sentences: string[] = [];
      try {
        await run((sentence) => sentences.push(sentence));
      } finally {
        note({ name: `${id} ${tried}`, sentences });
      }
    },
    timeoutMs,
  );
}

/** This machine lacks what the case needs. The case counts as not passed, with this reason. */
export class CannotRun extends Error {
  constructor(why: string) {
    super(`cannot run here: ${why}`);
  }
}

function note(entry: { name: string; sentences: string[] }): void {
  const file = process.env['SIGNALBOX_CASES_FILE'];
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}
