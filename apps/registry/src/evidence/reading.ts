import { Fault } from '@signalbox/shared/errors/fault.js';

/** What a report says. */
export interface Reading {
  metrics: Record<string, number>;
  /** What went wrong, in the order of the report; the first few are kept. */
  findings: string[];
  /** Who made the report, where it says so. */
  source?: string;
}

/** `invalid`: what is wrong with a report, and on which of its lines (from 1). */
export function badReport(format: string, detail: string, next: string, place: { line?: number; column?: number } = {}): Fault {
  const { line } = place;
  return new Fault('invalid', `the ${format} report cannot be used: ${line === undefined ? '' : `line ${line}: `}${detail}`, next, {
    errors: [{ pointer: '/content', detail, ...place }],
  });
}

/** Findings kept of a report, and characters of each. */
export const findingsMax = 20;
const findingMax = 200;

/** A finding as it is kept: one line, not too long. */
export function finding(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, findingMax)
    .toWellFormed();
}
