import type { Change } from '../../client/schema.ts';
import type { Planned } from '../manifests/apply.ts';
import { briefJson } from '../text/clean.ts';
import { count } from '../text/figures.ts';
import { bold, dim, green, line, red, yellow } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';

/** Of one manifest this many changes are shown, unless all are asked for. */
const changesMax = 12;

/** What applying a manifest changes. */
export function changeLines(one: Planned, showAll: boolean): Styled[] {
  const lines = [headLine(one)];
  const shown = showAll ? one.changes : one.changes.slice(0, changesMax);
  // What is new is all change: its title says that, the file the rest.
  if (one.action === 'created' && !showAll) return lines;
  for (const change of shown) lines.push(changeLine(change));
  if (shown.length < one.changes.length) lines.push(dim(`      and ${count(one.changes.length - shown.length, 'more change')}: --full`));
  return lines;
}

function headLine({ action, title, where, because }: Planned): Styled {
  if (action === 'created') return line`${green('+')} ${bold(title)}  new ${dim(where)}`;
  if (action === 'updated') return line`${yellow('~')} ${bold(title)}  changes ${dim(where)}`;
  if (action === 'unchecked') return line`${yellow('?')} ${bold(title)}  is checked when the above is there ${dim(because ?? '')}`;
  return line`${dim('=')} ${title}  ${dim('unchanged')}`;
}

/** One place that changes. */
export function changeLine({ path, from, to }: Change, indent = '    '): Styled {
  if (from === undefined) return line`${indent}${green('+')} ${path}: ${short(to)}`;
  if (to === undefined) return line`${indent}${red('-')} ${path}: ${short(from)}`;
  return line`${indent}${yellow('~')} ${path}: ${short(from)} → ${short(to)}`;
}

function short(value: unknown): string {
  return briefJson(value, 90);
}
