import { join } from 'node:path';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { plaintextVariable } from '@signalbox/shared/config/server-url.js';
import { urlWith } from '../database/connect.ts';
import { owningServices, roleOf } from '../database/services.ts';
import type { DataLayout } from '../data-folder/layout.ts';

export interface EnvironmentFacts {
  layout: DataLayout;
  /** The database's URL; user and password are each role's. */
  databaseUrl: string;
  passwordOf: (role: string) => string;
  natsUrl: string;
  /** The CA of an existing NATS; empty: none of our own. */
  natsCaFile: string;
  credsFolder: string;
  host: string;
  port: number;
  adminKey: string;
  /** The launcher's own environment. */
  inherited: Record<string, string | undefined>;
}

/** Variables of the launcher that every service may see. */
const common = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'TZ',
  'LOG_LEVEL',
  'NODE_V8_COVERAGE',
  'NODE_EXTRA_CA_CERTS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  plaintextVariable,
];

/** Further ones, for the services that need them: nobody else can leak them. */
const own: Partial<Record<ServiceName, readonly string[]>> = {
  protocol: ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OUTBOUND_ALLOW_INTERNAL', 'MODEL_PRICES', 'TASKS_MAX', 'OUTPUT_MAX_BYTES'],
  registry: ['OUTBOUND_ALLOW_INTERNAL', 'SIGNALBOX_PUBLIC_URL'],
  context: ['ARTIFACT_MAX_BYTES', 'UPLOADS_MAX'],
  'mcp-server': ['OUTBOUND_ALLOW_INTERNAL', 'CONTAINMENT', 'CONTAINMENT_MINIMUM', 'MESSAGE_MAX_BYTES'],
  'api-gateway': [
    'ALLOWED_HOSTS',
    'CORS_ORIGINS',
    'BODY_MAX_BYTES',
    'RATE_MAX',
    'CONNECTIONS_MAX',
    'STREAMS_MAX',
    'TLS_CERT_FILE',
    'TLS_KEY_FILE',
    'SIGNALBOX_PUBLIC_URL',
  ],
};

/** Where the launcher's own clients and workers find the door: with a certificate of its own it speaks TLS only. */
export function doorUrl({ host, port }: { host: string; port: number }, { TLS_CERT_FILE }: Record<string, string | undefined>): string {
  return `${TLS_CERT_FILE ? 'https' : 'http'}://${host}:${port}`;
}

/** The whole environment of one service. */
export function serviceEnvironment(service: ServiceName, facts: EnvironmentFacts): Record<string, string> {
  const { layout, inherited } = facts;
  const env: Record<string, string> = {};
  for (const name of [...common, ...(own[service] ?? [])]) {
    const value = inherited[name];
    if (value !== undefined) env[name] = value;
  }
  env.NODE_COMPILE_CACHE = layout.compileCache;
  env.NATS_URL = facts.natsUrl;
  if (facts.natsCaFile) env.NATS_CA_FILE = facts.natsCaFile;
  env.NATS_CREDS = join(facts.credsFolder, `${service}.creds`);
  if (owningServices.includes(service)) {
    for (const [variable, kind] of [
      ['DATABASE_URL', 'request'],
      ['SYSTEM_DATABASE_URL', 'system'],
    ] as const) {
      const user = roleOf(service, kind);
      env[variable] = urlWith(facts.databaseUrl, { user, password: facts.passwordOf(user) });
    }
  }
  if (service === 'api-gateway')
    Object.assign(env, { HOST: facts.host, PORT: String(facts.port), PUBLIC_URL: inherited.SIGNALBOX_PUBLIC_URL ?? '' });
  if (service === 'security')
    Object.assign(env, {
      ADMIN_KEY: facts.adminKey,
      MASTER_KEY_FILE: layout.masterKeyFile,
      AUDIT_CHECKPOINT_FILE: layout.auditCheckpointFile,
    });
  // Folders of stdio servers' own, and what no server may see: the data folder with its keys.
  if (service === 'mcp-server') Object.assign(env, { STATE_DIR: layout.mcpServers, HIDDEN_DIRS: layout.root });
  if (service === 'registry') env.SIGNALBOX_URL = doorUrl(facts, inherited); // what runners give to the workers that they bring up
  return env;
}
