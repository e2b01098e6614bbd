import lcovParser from '@friedemannsommer/lcov-parser/sync';
import { badReport, type Reading } from './reading.ts';

const repeat = 'Send the tracefile that the coverage tool wrote, whole.';

/** The covered shares of lines, functions and branches of an LCOV tracefile, as `coverage.lines` and so on, from 0 to 1. */
export function readLcov(text: string): Reading {
  checkLines(text);
  const found = { lines: 0, functions: 0, branches: 0 };
  const hit = { lines: 0, functions: 0, branches: 0 };
  for (const section of lcovParser({ from: text })) {
    for (const kind of ['lines', 'functions', 'branches'] as const) {
      const { instrumented, hit: covered, details } = section[kind];
      // The sums of a record are optional (geninfo 1).
      found[kind] += instrumented === 0 ? details.length : instrumented;
      hit[kind] += instrumented === 0 ? details.filter((detail) => detail.hit > 0).length : Math.min(covered, instrumented);
    }
  }
  if (found.lines === 0) throw badReport('LCOV', 'it has no line that could be covered', repeat);
  const metrics: Record<string, number> = {};
  for (const kind of ['lines', 'functions', 'branches'] as const)
    if (found[kind] > 0) metrics[`coverage.${kind}`] = hit[kind] / found[kind];
  return { metrics, findings: [] };
}

/** The parser passes over what it does not know: a file that was cut, or is something else, would cover nothing or too much. */
function checkLines(text: string): void {
  const lines = text.split(/\r?\n/);
  let isOpen = false;
  for (const [index, line] of lines.entries()) {
    const place = { line: index + 1 };
    if (line.startsWith('SF:')) isOpen = true;
    else if (line === 'end_of_record') isOpen = false;
    else if (line !== '' && !line.startsWith('#') && !/^[A-Z]{2,4}:/.test(line)) {
      throw badReport('LCOV', 'is no line of a tracefile', repeat, place);
    } else if (/^(?:LF|LH|FNF|FNH|BRF|BRH):/.test(line) && !/:\d{1,9}$/.test(line)) {
      throw badReport('LCOV', 'must end with a whole number', repeat, place);
    }
  }
  if (isOpen) throw badReport('LCOV', 'the file ends within a record', repeat, { line: lines.findLastIndex((line) => line !== '') + 1 });
}
