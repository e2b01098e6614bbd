import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { bold, line } from '../text/styled.ts';

/** `signalbox whoami`. */
export function addWhoami(program: Command, io: Io): void {
  const command = program.command('whoami').description('show whom the key speaks for, and where');
  action(command, io, async (context) => {
    const { url, source } = await context.target();
    const client = await context.client();
    const who = await client.system.whoami({ signal: context.signal });
    context.out.json({ url, ...who });
    context.out.lines(
      line`${bold(who.name)} (${who.principal})`,
      line`roles      ${who.roles.join(', ')}`,
      ...(who.scopes.length > 0 ? [line`scopes     ${who.scopes.join(', ')}`] : []),
      line`workspace  ${who.workspace}`,
      line`at         ${url} (${source})`,
    );
  });
}
