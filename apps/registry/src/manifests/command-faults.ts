import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import { referenceFault } from '@signalbox/shared/secrets/secret-reference.js';
import { checkForeignCommand } from '@signalbox/supervisor/foreign-command.js';

/** What the local runner would not start, told where it stands: `at` is the pointer of what has `command` and `env`. */
export function commandFaults(at: string, { command, env = {} }: { command?: string[]; env?: Record<string, string> }): FaultDetail[] {
  const faults: FaultDetail[] = [];
  for (const [index, argument] of (command ?? []).entries()) {
    if (argument.includes('secret://')) {
      faults.push({ pointer: `${at}/command/${index}`, detail: 'must not name a secret: others can read a command line, use `env`' });
    }
  }
  if (command !== undefined) faults.push(...refusal(`${at}/command`, () => checkForeignCommand(command, {})));
  for (const [variable, value] of Object.entries(env)) {
    const pointer = `${at}/env/${variable}`;
    if (variable.startsWith('SIGNALBOX_')) faults.push({ pointer, detail: 'is a variable that Signalbox itself sets' });
    else faults.push(...refusal(pointer, () => checkForeignCommand(['program'], { [variable]: value })));
    const detail = referenceFault(value);
    if (detail !== null) faults.push({ pointer, detail });
  }
  return faults;
}

function refusal(pointer: string, check: () => void): FaultDetail[] {
  try {
    check();
    return [];
  } catch (error) {
    return [{ pointer, detail: `is refused: ${(error as Error).message}` }];
  }
}
