import { StackFault } from '../stack-fault.ts';

/** Why a data folder cannot be read or written. */
export function unusable(root: string, cause: NodeJS.ErrnoException): StackFault {
  return new StackFault(
    `The data folder ${root} cannot be used (${cause.code}).`,
    'Correct its rights, or choose another one (--data DIR).',
    { cause },
  );
}
