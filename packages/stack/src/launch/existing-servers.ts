import { resolve } from 'node:path';
import { databaseUrlFault, natsUrlFault, plaintextVariable, withDatabaseCa } from '@signalbox/shared/config/server-url.js';
import { StackFault } from '../stack-fault.ts';

type Environment = Record<string, string | undefined>;

/**
 * The URL of an existing PostgreSQL (`DATABASE_URL`, or another variable) with the CA of `DATABASE_CA_FILE`; empty when there is none. Refuses one
 * that would be reached without TLS off this machine.
 */
export function databaseUrlOf(environment: Environment, variable = 'DATABASE_URL'): string {
  const url = environment[variable] ?? '';
  const caFile = fileIn(environment, 'DATABASE_CA_FILE');
  refuse(variable, databaseUrlFault(url, { caFile, isPlaintextAllowed: isPlaintextAllowed(environment) }));
  return withDatabaseCa(url, caFile);
}

/** An existing NATS (`NATS_URL`), refused likewise, and its CA; both empty when there is none. */
export function natsOf(environment: Environment): { natsUrl: string; natsCaFile: string } {
  const natsUrl = environment['NATS_URL'] ?? '';
  const natsCaFile = natsUrl === '' ? '' : fileIn(environment, 'NATS_CA_FILE');
  refuse('NATS_URL', natsUrlFault(natsUrl, { caFile: natsCaFile, isPlaintextAllowed: isPlaintextAllowed(environment) }));
  return { natsUrl, natsCaFile };
}

function refuse(variable: string, fault: string | null): void {
  if (fault === null) return;
  const [what, ...next] = fault.split(': ');
  throw new StackFault(`${variable} ${what}.`, `To mend it, ${next.join(': ')}.`);
}

function isPlaintextAllowed(environment: Environment): boolean {
  return ['1', 'true'].includes(environment[plaintextVariable] ?? '');
}

/** Services work in folders of their own: paths become absolute. */
function fileIn(environment: Environment, variable: string): string {
  const path = environment[variable] ?? '';
  return path === '' ? '' : resolve(path);
}
