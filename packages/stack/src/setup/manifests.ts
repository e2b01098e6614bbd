import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { filesOf, natsConfigurationFile, type SetupKeys } from './prepare.ts';

/** Kubernetes Secrets, one a service and one for NATS, as JSON documents that `kubectl apply -f -` takes. */
export async function manifests(keys: SetupKeys, databaseHost: string): Promise<string> {
  const documents = await Promise.all(
    serviceNames.map(async (service) => secret(`signalbox-${service}`, await filesOf(service, keys, databaseHost))),
  );
  documents.push(secret('signalbox-nats', { 'nats-server.conf': await natsConfigurationFile(keys) }));
  documents.push(secret('signalbox-setup', { 'keys.json': JSON.stringify(keys) }));
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: documents }, null, 2)}\n`;
}

function secret(name: string, stringData: Record<string, string>): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'signalbox' } },
    type: 'Opaque',
    stringData,
  };
}
