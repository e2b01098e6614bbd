import { basename } from 'node:path';
import { SupervisorError } from './child-spec.ts';

/** Variables by which a runtime or the loader runs code that the command does not name. */
const codeInjecting =
  /^(?:LD_|DYLD_|GCONV_PATH$|NODE_OPTIONS$|NODE_REPL_EXTERNAL_MODULE$|NODE_PATH$|BASH_ENV$|ENV$|SHELLOPTS$|PS4$|PYTHONSTARTUP$|PYTHONPATH$|PYTHONHOME$|PERL5OPT$|PERL5LIB$|RUBYOPT$|RUBYLIB$|JAVA_TOOL_OPTIONS$|_JAVA_OPTIONS$|JDK_JAVA_OPTIONS$|GIT_SSH_COMMAND$|GIT_EXTERNAL_DIFF$|npm_config_)/i;
/** What the supervisor itself gives. */
const reserved = /^(?:SIGNALBOX_CHILD|SIGNALBOX_SUPERVISOR|PATH)$/;
const shells = new Set([
  'sh',
  'bash',
  'dash',
  'ash',
  'zsh',
  'ksh',
  'csh',
  'tcsh',
  'fish',
  'cmd',
  'cmd.exe',
  'powershell',
  'powershell.exe',
  'pwsh',
  'busybox',
]);
const packageRunners = new Set(['npx', 'npm', 'pnpm', 'pnpx', 'yarn', 'bunx', 'uvx', 'pipx']);

/**
 * Throws `refused` for commands and variables of people that would have a shell, or hidden code, run: a command says openly which program
 * runs with which arguments. Metacharacters need no check, since no shell reads them.
 */
export function checkForeignCommand(command: readonly string[], env: Readonly<Record<string, string>>): void {
  const program = basename(command[0] ?? '').toLowerCase();
  if (shells.has(program)) throw new SupervisorError('refused', `${program} is a shell: name the program itself, with its arguments`);
  const shellFlag = command.slice(1).find((part) => /^(?:-c|--call|--shell-mode)(?:=|$)/.test(part));
  if (packageRunners.has(program) && shellFlag !== undefined) {
    throw new SupervisorError('refused', `${program} ${shellFlag} runs a shell: name the package and its arguments`);
  }
  if (program === 'env' && command.length > 1)
    throw new SupervisorError('refused', 'env starts another program: name that, and its variables under `env`');
  for (const name of Object.keys(env)) {
    if (codeInjecting.test(name))
      throw new SupervisorError('refused', `the environment variable ${name} can run code that the command does not name`);
    if (reserved.test(name)) throw new SupervisorError('refused', `the environment variable ${name} is set by Signalbox itself`);
  }
}
