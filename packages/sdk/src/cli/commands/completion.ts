import { Argument } from 'commander';
import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { candidates } from '../completions.ts';
import { shellScripts } from '../shell-scripts.ts';

type Shell = keyof typeof shellScripts;

/** `signalbox completion SHELL` and the hidden `__complete` that the scripts ask. */
export function addCompletion(program: Command, io: Io): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(shellScripts)))
    .description('print a script that completes commands, options and names in your shell')
    .addHelpText(
      'after',
      `
bash:  signalbox completion bash > ~/.local/share/bash-completion/completions/signalbox
zsh:   signalbox completion zsh > "\${fpath[1]}/_signalbox"
fish:  signalbox completion fish > ~/.config/fish/completions/signalbox.fish`,
    );
  action(command, io, (_, __: object, shell: Shell) => {
    io.stdout.write(shellScripts[shell]);
    return Promise.resolve();
  });
  const hidden = program.command('__complete', { hidden: true }).argument('[words...]').allowUnknownOption().helpOption(false);
  action(hidden, io, async (context, _: object, words: string[] = []) => {
    const found = await candidates(program, context, words);
    if (found.length > 0) io.stdout.write(`${found.join('\n')}\n`);
  });
}
