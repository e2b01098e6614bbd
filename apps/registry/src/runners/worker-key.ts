import type { Bus } from '@signalbox/shared/bus/bus.js';
import { createKey } from '@signalbox/shared/contracts/security/create-key.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** A worker's key: longer than any process should run, short enough that a lost one dies by itself. */
const keyLifeS = 30 * 86_400;
/** A process that is started later than this after its key was made gets a new one. */
export const renewAfterMs = (keyLifeS - 2 * 86_400) * 1_000;

export interface WorkerKey {
  id: string;
  key: string;
}

/** A key that lets a worker speak for its agent and nothing else, made with the rights behind the deployment's grant. */
export async function makeWorkerKey(bus: Bus, grant: string, agent: { id: string; name: string }, instance: string): Promise<WorkerKey> {
  const caller = await bus.as(grant);
  const { id, key } = await bus.request(
    createKey,
    { name: `worker ${instance}`.slice(0, 100), agent: { id: fromUuid('agent', agent.id), name: agent.name }, expiresInS: keyLifeS },
    caller,
  );
  return { id, key };
}

/** Ends a worker's key. What does not succeed is only said: the key ends by itself. */
export async function endWorkerKey(bus: Bus, grant: string, id: string): Promise<void> {
  try {
    await bus.request(revokeKey, { id }, await bus.as(grant));
  } catch (err) {
    log.warn('the key of an ended worker was not revoked', { keyId: id, err });
  }
}
