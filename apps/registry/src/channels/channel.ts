import type { Channel, ChannelType } from '@signalbox/shared/contracts/registry/channel.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import type { ChannelManifest, ChannelSpec } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';

export interface AppliedChannel {
  manifest: ChannelManifest;
  version: number;
  hash: string;
  /** The grant that its secrets are read by. */
  bearer: string;
  appliedBy: string;
  pausedReason: string | null;
  lastSentAt: Date | null;
  lastFailure: string | null;
  updatedAt: Date;
}

type Field = Exclude<keyof ChannelSpec, 'type'>;

const fields: Record<ChannelType, { needed: Field[]; allowed: Field[] }> = {
  slack: { needed: ['url'], allowed: [] },
  teams: { needed: ['url'], allowed: [] },
  webhook: { needed: ['url', 'signingSecret'], allowed: [] },
  email: { needed: ['host', 'from', 'to'], allowed: ['port', 'tls', 'user', 'password'] },
};

/** A channel's manifest that can be used, or `invalid` with every fault that was found. */
export function parseChannelManifest(name: string, value: unknown): ChannelManifest {
  const manifest = parseManifest('Channel', name, value);
  const { type, ...given } = manifest.spec;
  const { needed, allowed } = fields[type];
  const faults: FaultDetail[] = [];
  for (const field of needed)
    if (given[field] === undefined) faults.push({ pointer: `/spec/${field}`, detail: `is needed with type ${type}` });
  for (const field of Object.keys(given) as Field[]) {
    if (![...needed, ...allowed].includes(field)) faults.push({ pointer: `/spec/${field}`, detail: `is not for type ${type}` });
  }
  if (type === 'email' && (given.user === undefined) !== (given.password === undefined)) {
    faults.push({ pointer: `/spec/${given.user === undefined ? 'user' : 'password'}`, detail: 'is needed beside the other' });
  }
  if (type === 'email' && given.tls === 'none' && given.password !== undefined) {
    faults.push({ pointer: '/spec/tls', detail: 'must not be none where a password is sent' });
  }
  if (faults.length > 0) throw invalidManifest('Channel', faults);
  return manifest;
}

export function unknownChannel(name: string): Fault {
  return new Fault('not_found', `there is no channel ${name}`, 'List them: signalbox channels.');
}

/** A channel as it is shown. */
export function channelView(channel: AppliedChannel): Channel {
  const { manifest, appliedBy, pausedReason, lastSentAt, lastFailure, version, updatedAt } = channel;
  const { metadata, spec } = manifest;
  return {
    name: metadata.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    type: spec.type,
    secrets: [...new Set([spec.url, spec.signingSecret, spec.user, spec.password].flatMap((text) => secretNamesIn(text ?? '')))],
    state: pausedReason === null ? 'active' : 'paused',
    stateReason: pausedReason,
    appliedBy,
    lastSentAt: lastSentAt?.toISOString() ?? null,
    lastFailure,
    version,
    updatedAt: updatedAt.toISOString(),
  };
}
