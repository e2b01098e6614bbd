import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Key, KeyQuery } from '../../client/keys.ts';
import { roles } from '../../client/principals.ts';
import type { Role } from '../../client/principals.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed, seconds } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface NewKeyOptions {
  principal?: string;
  role?: Role[];
  scope?: string[];
  expires?: number;
}

/** `signalbox keys list|create|revoke`. */
export function addKeys(program: Command, io: Io): void {
  const group = program.command('keys').description('API keys: list, make and revoke them');
  const list = addListOptions(group.command('list').description('list keys with scopes, last use and expiry'))
    .option('--principal <id>', 'only of this one')
    .option('--state <state>', 'only live, expired or revoked ones');
  action(list, io, async (context, options: ListOptions & { principal?: string; state?: KeyQuery['state'] }) => {
    const client = await context.client();
    const now = context.io.now();
    const { q, principal, state, pageSize } = options;
    const keys = await listed(context, options, client.keys.list({ q, principal, state, limit: pageSize }, { signal: context.signal }));
    if (keys.length === 0) return context.out.lines('No keys.');
    context.out.lines(
      ...table(
        [
          { title: 'KEY', cell: ({ id }) => id },
          { title: 'NAME', cell: ({ name }) => name, isFlexible: true },
          { title: 'SPEAKS FOR', cell: ({ principalName }) => principalName },
          { title: 'ROLES', cell: (key) => key.roles.join(', ') },
          { title: 'SCOPES', cell: ({ scopes }) => scopes.join(', ') || 'all of its roles', isFlexible: true },
          { title: 'LAST USED', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : ago(lastUsedAt, now)), align: 'right' },
          { title: 'STATE', cell: (key) => stateOf(key, now) },
        ],
        keys,
        context.out.columns,
      ),
    );
  });

  const create = group
    .command('create')
    .argument('<name>', 'what it is for')
    .description('make a key; it is shown once')
    .option('--principal <id>', 'whom it speaks for; else you')
    .option('--role <role>', 'fewer rights than the principal has; several times for several', collectRoles)
    .option('--scope <scope>', 'narrow its roles, as runs:read or tools:*; several times for several', collect)
    .option('--expires <time>', 'after so long: 90s, 30m, 12h, 7d; else never', seconds);
  action(create, io, async (context, { principal, role, scope, expires }: NewKeyOptions, name: string) => {
    const client = await context.client();
    const made = await client.keys.create({ name, principal, roles: role, scopes: scope, expiresInS: expires }, { signal: context.signal });
    context.out.json(made);
    // The key alone on standard output: `KEY=$(signalbox keys create ci)` works.
    context.out.lines(made.key);
    context.out.note(
      line`${bold(made.id)} ${dim(`speaks for ${made.principalName}${made.expiresAt ? ` until ${made.expiresAt}` : ''}; it is shown this once`)}`,
    );
  });

  const revoke = group
    .command('revoke')
    .argument('<key>', 'its id, key_…')
    .description('end a key everywhere, within seconds')
    .option('--with-grants', 'what was started with it loses its rights too');
  action(revoke, io, async (context, { withGrants }: { withGrants?: boolean }, id: string) => {
    const client = await context.client();
    const revoked = await client.keys.revoke(id, { withGrants }, { signal: context.signal });
    context.out.json(revoked);
    context.out.lines(line`${bold(id)} is revoked`);
  });
}

function stateOf({ revokedAt, expiresAt }: Key, now: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'live';
  return Date.parse(expiresAt) <= now ? 'expired' : `live until ${expiresAt}`;
}

function collect(given: string, before: string[] = []): string[] {
  return [...before, given];
}

function collectRoles(given: string, before: Role[] = []): Role[] {
  const role = roles.find((known) => known === given);
  if (!role) throw new InvalidArgumentError(`It must be one of ${roles.join(', ')}.`);
  return [...before, role];
}
