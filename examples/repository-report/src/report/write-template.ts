import type { Brief } from './combine.ts';
import { count, list, plain, thousands } from './words.ts';

/** The words of the report, from a template: a summary and what stands out. */
export function writeTemplate(brief: Brief): string {
  const { packages, files, linesOfCode, tests, folders, largest, observations } = brief;
  const attention = observations.filter((one) => one.weight === 'attention');
  const notes = observations.filter((one) => one.weight === 'note');
  const biggest = largest.filter((one) => one.linesOfCode > 0).map((one) => `${plain(one.name)} (${thousands(one.linesOfCode)})`);
  const summary = [
    `${list(folders.map(plain))} hold ${count(packages, 'package')} with ${count(files, 'file')}, ${thousands(linesOfCode)} lines of code and ${count(tests, 'test')}.`,
    ...(biggest.length > 0 ? [`By lines of code the largest are ${list(biggest)}.`] : []),
    attention.length === 0 ? 'Nothing asks for attention.' : `${count(attention.length, 'thing')} may ask for attention.`,
  ].join(' ');
  return [
    '## Summary',
    summary,
    ...(attention.length > 0 ? ['## What may ask for attention', attention.map((one) => `- ${plain(one.text)}`).join('\n')] : []),
    ...(notes.length > 0 ? ['## What stands out', notes.map((one) => `- ${plain(one.text)}`).join('\n')] : []),
  ].join('\n\n');
}
