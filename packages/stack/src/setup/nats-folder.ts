import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, type Account } from '@nats-io/jwt';
import { loadCatalogue } from '@signalbox/shared/bus/catalogue.js';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { writePrivate } from '../data-folder/private-files.ts';
import { natsKeys } from '../data-folder/secrets.ts';
import { credsOf, natsTrust } from '../nats/keys.ts';
import { permissionsOf } from '../nats/permissions.ts';
import { trustConfiguration } from '../nats/server.ts';
import { StackFault } from '../stack-fault.ts';

/** What one service may do, as the account says it: `publish sb.x.y`, `hear sb.x.y`. */
type Rights = Map<string, Set<string>>;

/**
 * Makes what an existing NATS needs, in a folder that is also a NATS_CREDS_DIR: the seeds of all keys, the operator's and the account's statements,
 * the part of the server's configuration that trusts them, and one `.creds` a service. Safe to repeat: keys and credentials stay, and the services'
 * rights become those of this version's contracts.
 */
export async function writeNatsFolder(folder: string, say: (sentence: string) => void): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const path = (name: string): string => join(folder, name);
  const keys = await natsKeys(path('nats-keys.json'));
  const catalogue = await loadCatalogue();
  const trust = await natsTrust(keys, (service) => permissionsOf(service, catalogue));
  const isWhole = (await readText(path('operator.jwt'))) !== null && (await readText(path('resolver.conf'))) !== null;
  const before = isWhole ? await readText(path('account.jwt')) : null;
  const changes = before === null ? null : changesOf(rightsIn(before, path('account.jwt')), rightsOf(trust.account.jwt));
  for (const service of serviceNames) {
    const file = path(`${service}.creds`);
    if ((await readText(file)) !== null) continue;
    await writePrivate(file, await credsOf(keys, service));
    if (before !== null) say(`${service}.creds is new.`);
  }
  if (changes?.length === 0) return say(`Nothing has changed: ${folder} is as this version's contracts want it.`);
  await writePrivate(path('operator.jwt'), `${trust.operatorJwt}\n`);
  await writePrivate(path('account.jwt'), `${trust.account.jwt}\n`);
  await writePrivate(
    path('resolver.conf'),
    `# Made by \`signalbox nats init\`: \`include\` it in nats-server.conf, beside \`jetstream\` and \`tls\`.\n${trustConfiguration(trust)}`,
  );
  if (changes === null) {
    say(`Operator, account and one .creds a service are in ${folder}: keep nats-keys.json as you keep passwords.`);
    say(`Include ${path('resolver.conf')} in nats-server.conf, and start Signalbox with NATS_CREDS_DIR=${folder}.`);
    return;
  }
  for (const change of changes) say(change);
  say(`Give the server the new ${path('resolver.conf')} and reload it: nats-server --signal reload.`);
}

/** What an earlier run wrote. */
function rightsIn(accountJwt: string, path: string): Rights {
  try {
    return rightsOf(accountJwt);
  } catch (cause) {
    throw new StackFault(
      `${path} cannot be read: ${(cause as Error).message}.`,
      'Remove it, and run this again: keys and credentials stay.',
      { cause },
    );
  }
}

function rightsOf(accountJwt: string): Rights {
  const { nats } = decode<Account>(accountJwt.trim());
  const rights: Rights = new Map();
  for (const key of nats.signing_keys ?? []) {
    if (typeof key === 'string') continue;
    const { pub, sub } = key.template;
    rights.set(
      key.role,
      new Set([...(pub?.allow ?? []).map((subject) => `publish ${subject}`), ...(sub?.allow ?? []).map((subject) => `hear ${subject}`)]),
    );
  }
  return rights;
}

function changesOf(before: Rights, after: Rights): string[] {
  const changes: string[] = [];
  for (const service of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(service) ?? new Set<string>(), after.get(service) ?? new Set<string>()];
    changes.push(...[...now].filter((right) => !old.has(right)).map((right) => `${service} may now ${right}`));
    changes.push(...[...old].filter((right) => !now.has(right)).map((right) => `${service} may no longer ${right}`));
  }
  return changes;
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
