import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { databaseUrlOf, natsOf } from './existing-servers.ts';
import { StackFault } from '../stack-fault.ts';

/** What a person can choose at the start. */
export interface LaunchOptions {
  /** Of the clone: apps, examples and the default data folder are in it. */
  root: string;
  data: string;
  port: number;
  host: string;
  /** Processes of execution, which share the runs. */
  owners: number;
  hasExample: boolean;
  isFresh: boolean;
  isYes: boolean;
  /** Presets the administrator's key; empty: made on the first start. */
  adminKey: string;
  /** An existing PostgreSQL, by a role that may create roles. Empty: our own. */
  databaseUrl: string;
  /** An existing NATS. Empty: our own. */
  natsUrl: string;
  /** The CA of its certificate, as an absolute path. Empty: those of Node. */
  natsCaFile: string;
  /** One `.creds` file a service for the existing NATS. */
  natsCredsDir: string;
}

export const usage = `npm start -- [options]

  --data DIR      the data folder (.signalbox in the clone; also SIGNALBOX_DATA)
  --port N        where it listens on 127.0.0.1 (7420; also SIGNALBOX_PORT)
  --owners N      processes of execution, which share the runs (1; also SIGNALBOX_OWNERS)
  --no-example    neither load nor run the example on the first start
  --fresh         begin with an empty data folder: asks first
  --yes           answer yes to that
  --help          says this

Environment: SIGNALBOX_ADMIN_KEY presets the administrator's key; DATABASE_URL, and NATS_URL with NATS_CREDS_DIR, name existing servers;
DATABASE_CA_FILE and NATS_CA_FILE the CAs of their certificates.
`;

const adminKeyPattern = /^sbx_[\x21-\x7e]{20,507}$/;

/** Reads arguments and environment. Faults name what is wrong. */
export function launchOptions(root: string, args: readonly string[], environment: Record<string, string | undefined>): LaunchOptions {
  const { data, port, owners, ...flags } = parse(args);
  const options: LaunchOptions = {
    root,
    data: resolve(data ?? (environment.SIGNALBOX_DATA || `${root}/.signalbox`)),
    port: portOf(port ?? (environment.SIGNALBOX_PORT || '7420')),
    host: '127.0.0.1',
    owners: ownersOf(owners ?? (environment.SIGNALBOX_OWNERS || '1')),
    hasExample: !flags['no-example'],
    isFresh: flags.fresh ?? false,
    isYes: flags.yes ?? false,
    adminKey: environment.SIGNALBOX_ADMIN_KEY ?? '',
    databaseUrl: databaseUrlOf(environment),
    ...natsOf(environment),
    natsCredsDir: environment.NATS_CREDS_DIR ?? '',
  };
  if (options.adminKey && !adminKeyPattern.test(options.adminKey)) {
    throw new StackFault(
      'SIGNALBOX_ADMIN_KEY cannot be used as a key.',
      'Give a string of 24 characters or more that starts with sbx_, without spaces.',
    );
  }
  if (options.natsUrl && !options.natsCredsDir) {
    throw new StackFault(
      'NATS_URL names a server, but nothing to sign in with.',
      'Set NATS_CREDS_DIR to a folder with one .creds file a service.',
    );
  }
  return options;
}

function parse(args: readonly string[]): {
  data?: string;
  port?: string;
  owners?: string;
  'no-example'?: boolean;
  fresh?: boolean;
  yes?: boolean;
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        port: { type: 'string' },
        owners: { type: 'string' },
        'no-example': { type: 'boolean' },
        fresh: { type: 'boolean' },
        yes: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new StackFault((cause as Error).message.split('. ')[0]!, usage, { cause });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new StackFault(`${text} is not a port.`, 'Give one between 1 and 65535, as --port 7421.');
}

function ownersOf(text: string): number {
  const owners = Number(text);
  if (/^\d+$/.test(text) && owners >= 1 && owners <= 16) return owners;
  throw new StackFault(`${text} is not a number of processes.`, 'Give one between 1 and 16, as --owners 3.');
}
