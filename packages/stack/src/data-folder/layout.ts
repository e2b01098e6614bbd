import { join } from 'node:path';

/** Where everything is in a data folder of format 1. */
export interface DataLayout {
  root: string;
  versionFile: string;
  lockFile: string;
  /** While the stack runs: where it listens. The command line finds it by this. */
  stackFile: string;
  stateFile: string;
  adminKeyFile: string;
  passwordsFile: string;
  postgres: string;
  nats: string;
  natsKeysFile: string;
  credsFolder: string;
  security: string;
  masterKeyFile: string;
  /** Signed ends of the audit's chains, outside the database. */
  auditCheckpointFile: string;
  /** Folders of stdio MCP servers' own. */
  mcpServers: string;
  logs: string;
  backups: string;
  /** Programs that were fetched or copied; they outlive `--fresh`. */
  bin: string;
  compileCache: string;
}

export function layoutOf(root: string): DataLayout {
  return {
    root,
    versionFile: join(root, 'version.json'),
    lockFile: join(root, 'launcher.lock'),
    stackFile: join(root, 'stack.json'),
    stateFile: join(root, 'state.json'),
    adminKeyFile: join(root, 'admin.key'),
    passwordsFile: join(root, 'passwords.json'),
    postgres: join(root, 'postgres'),
    nats: join(root, 'nats'),
    natsKeysFile: join(root, 'nats-keys.json'),
    credsFolder: join(root, 'creds'),
    security: join(root, 'security'),
    masterKeyFile: join(root, 'security', 'master.key'),
    auditCheckpointFile: join(root, 'security', 'audit-checkpoints.jsonl'),
    mcpServers: join(root, 'mcp-servers'),
    logs: join(root, 'logs'),
    backups: join(root, 'backups'),
    bin: join(root, 'bin'),
    compileCache: join(root, 'cache', 'compile'),
  };
}
