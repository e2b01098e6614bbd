import type { RunEvent } from '../../client/runs.ts';
import { percent } from '../text/figures.ts';
import { dim, join, red } from '../text/styled.ts';
import type { Styled, Text } from '../text/styled.ts';
import { lamp } from './lamps.ts';

/** One event of a run as one line. */
export function eventLine(event: RunEvent, showDate = false): Styled {
  const at = new Date(event.at);
  const clock = Number.isNaN(at.getTime())
    ? event.at
    : at
        .toISOString()
        .slice(showDate ? 0 : 11, 23)
        .replace('T', ' ');
  const [subject = '', verb = event.type] = event.type.split('.', 2);
  const parts: Text[] = [dim(clock), '  ', lampOf(verb), ' ', verb.padEnd(9), ' ', event.step ?? subject];
  if (event.agent) parts.push('  ', dim(event.instance ? `${event.agent} (${event.instance})` : event.agent));
  if (event.attempt !== undefined && event.attempt > 1) parts.push('  ', dim(`attempt ${event.attempt}`));
  if (event.message) parts.push('  ', event.message);
  if (event.fraction !== undefined) parts.push('  ', dim(percent(event.fraction)));
  if (event.error) parts.push('  ', red(event.error.code), ': ', event.error.detail);
  return join(parts);
}

function lampOf(verb: string): Styled {
  if (verb === 'started' || verb === 'progress') return lamp('running');
  if (verb === 'retrying') return lamp('degraded');
  return lamp(verb);
}
