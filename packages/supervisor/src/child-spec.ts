import type { ContainmentOptions } from './containment/contain.ts';

/** Everything there is to say about a child process. Nothing is inherited: what is not named here, the child does not have. */
export interface ChildSpec {
  /** The program and its arguments; no shell ever sees them. */
  command: readonly string[];
  /** An absolute path. */
  cwd: string;
  /** The whole environment of the child, PATH included, which also finds the program. */
  env: Readonly<Record<string, string>>;
  /** What the child may reach; nothing but its own process group when absent. */
  containment?: ContainmentOptions;
}

export type SupervisorErrorCode = 'invalid' | 'refused' | 'not-found' | 'containment';

/** What cannot be started, with a sentence for the person who named it. */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError';
  constructor(
    readonly code: SupervisorErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const argumentsMax = 256;
const textMaxBytes = 128 * 1024;

/** Throws `invalid` for what no operating system can start. */
export function checkSpec({ command, cwd, env }: ChildSpec): void {
  if (command.length === 0 || command[0] === '') throw new SupervisorError('invalid', 'the command is empty');
  if (command.length > argumentsMax) throw new SupervisorError('invalid', `the command has more than ${argumentsMax} arguments`);
  if (!cwd.startsWith('/')) throw new SupervisorError('invalid', `the working directory ${cwd} is not an absolute path`);
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new SupervisorError('invalid', `${JSON.stringify(name)} is no name of an environment variable`);
    if (value.includes('\0')) throw new SupervisorError('invalid', `the environment variable ${name} holds a NUL`);
  }
  const texts = [...command, cwd, ...Object.values(env)];
  if (command.some((part) => part.includes('\0')) || cwd.includes('\0')) throw new SupervisorError('invalid', 'the command holds a NUL');
  if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > textMaxBytes) {
    throw new SupervisorError('invalid', `command and environment have more than ${textMaxBytes} bytes`);
  }
}
