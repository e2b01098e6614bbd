import { readdir } from 'node:fs/promises';
import type { Contract, EventContract } from './contract.ts';

export interface Catalogue {
  contracts: Contract[];
  events: EventContract[];
}

/** Every contract and event there is, read from `contracts/<service>/`; for NATS permissions, the route map and tests. */
export async function loadCatalogue(): Promise<Catalogue> {
  const root = new URL('../contracts/', import.meta.url);
  const found = new Map<string, Contract | EventContract>();
  for (const folder of (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory())) {
    const folderUrl = new URL(`${folder.name}/`, root);
    for (const file of (await readdir(folderUrl)).filter((name) => /(?<!\.d|\.test)\.(js|ts)$/.test(name))) {
      const module = (await import(new URL(file, folderUrl).href)) as Record<string, unknown>;
      for (const exported of Object.values(module)) if (isCatalogued(exported)) found.set(`${exported.type} ${exported.subject}`, exported);
    }
  }
  const all = [...found.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1));
  return {
    contracts: all.filter((entry) => entry.type === 'contract'),
    events: all.filter((entry) => entry.type === 'event'),
  };
}

function isCatalogued(value: unknown): value is Contract | EventContract {
  return typeof value === 'object' && value !== null && 'type' in value && (value.type === 'contract' || value.type === 'event');
}
