import type { Catalogue } from '@signalbox/shared/bus/catalogue.js';
import { atShard, type Contract, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { consumerName } from '@signalbox/shared/bus/event-consumers.js';
import { eventStream, gapSubject } from '@signalbox/shared/bus/event-stream.js';
import { cancelSubject, servedSubject } from '@signalbox/shared/bus/headers.js';

/** What a NATS user may do. */
export interface NatsPermissions {
  publish: string[];
  subscribe: string[];
  /** How long it may answer a request that it heard, in milliseconds. */
  respondWithinMs: number;
}

const respondGraceMs = 5_000;
const jetstreamApi = '$JS.API';

/**
 * A service's rights on the bus, made from the contracts and events: it publishes requests that name it as caller and its own events, hears its
 * own contracts and inbox, and reaches its own consumers of the event stream. Nothing else.
 */
export function permissionsOf(service: ServiceName, { contracts, events }: Catalogue): NatsPermissions {
  const called = contracts.filter(({ callers }) => callers.includes(service));
  const own = contracts.filter((contract) => contract.service === service);
  const handedOn = own.filter(({ shardOf }) => shardOf !== undefined).map(atShard);
  const published = events.filter((event) => event.service === service);
  const heard = events.filter(({ listeners }) => service === 'api-gateway' || listeners.includes(service));
  return {
    publish: unique([
      ...[...called, ...handedOn].map((contract) =>
        contract.identity === 'service' ? `${contract.subject}.${service}` : contract.subject,
      ),
      ...[...called, ...handedOn].flatMap((contract) => [cancelSubject(contract.service), servedSubject(contract.service)]),
      ...published.map(({ subject }) => subject),
      ...published.filter(({ durable }) => durable).map(({ subject }) => `${jetstreamApi}.DIRECT.GET.${eventStream}.${subject}`),
      ...streamRights(),
      ...heard.filter(({ durable }) => durable).flatMap(({ subject }) => consumerRights(consumerName(service, subject), subject)),
      ...(service === 'api-gateway' ? watcherRights() : []),
    ]),
    subscribe: unique([
      `_INBOX_${service}.>`,
      cancelSubject(service),
      servedSubject(service),
      ...[...own, ...handedOn].map(heardSubject),
      ...heard.filter(({ durable }) => !durable || service === 'api-gateway').map(({ subject }) => subject),
    ]),
    respondWithinMs: Math.max(0, ...own.map(({ timeoutMs }) => timeoutMs)) + respondGraceMs,
  };
}

function heardSubject({ identity, subject, service, shard }: Contract): string {
  // The owner of a shard hears all that is said to it.
  if (shard) return `sb.${service}.shard.*.>`;
  return identity === 'service' ? `${subject}.*` : subject;
}

/** Every service makes sure that the stream exists, and that no consumer has heard more than it has. */
function streamRights(): string[] {
  return [
    `${jetstreamApi}.INFO`,
    `${jetstreamApi}.STREAM.CREATE.${eventStream}`,
    `${jetstreamApi}.STREAM.INFO.${eventStream}`,
    `${jetstreamApi}.CONSUMER.LIST.${eventStream}`,
    gapSubject,
  ];
}

/** Subjects of one durable consumer: made in the old way by 2.8 clients, in the new one since 2.9. */
function consumerRights(durable: string, subject: string): string[] {
  return [
    `${jetstreamApi}.CONSUMER.DURABLE.CREATE.${eventStream}.${durable}`,
    `${jetstreamApi}.CONSUMER.CREATE.${eventStream}.${durable}`,
    `${jetstreamApi}.CONSUMER.CREATE.${eventStream}.${durable}.${subject}`,
    `${jetstreamApi}.CONSUMER.INFO.${eventStream}.${durable}`,
    `${jetstreamApi}.CONSUMER.MSG.NEXT.${eventStream}.${durable}`,
    `$JS.ACK.${eventStream}.${durable}.>`,
  ];
}

/** The gateway replays events for clients that come back: consumers of its own that end with the client, and reads by sequence. */
function watcherRights(): string[] {
  return [
    `${jetstreamApi}.CONSUMER.CREATE.${eventStream}.>`,
    `${jetstreamApi}.CONSUMER.INFO.${eventStream}.*`,
    `${jetstreamApi}.CONSUMER.DELETE.${eventStream}.*`,
    `${jetstreamApi}.CONSUMER.MSG.NEXT.${eventStream}.*`,
    `${jetstreamApi}.STREAM.MSG.GET.${eventStream}`,
    `${jetstreamApi}.DIRECT.GET.${eventStream}.>`,
    `${jetstreamApi}.DIRECT.GET.${eventStream}`,
    `$JS.ACK.${eventStream}.>`,
  ];
}

function unique(subjects: string[]): string[] {
  return [...new Set(subjects)].sort();
}
