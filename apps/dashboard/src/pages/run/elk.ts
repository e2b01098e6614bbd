import ELK, { type ElkNode } from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';

/** Trusted types: the only script address that this page ever makes is the layouter's own worker. */
interface TrustedTypes {
  createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => { createScriptURL: (url: string) => string };
}

function trusted(url: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return url;
  const policy = types.createPolicy('signalbox', {
    createScriptURL: (asked) => {
      if (asked !== workerUrl) throw new TypeError('not the layouter’s worker');
      return asked;
    },
  });
  return policy.createScriptURL(url);
}

let elk: InstanceType<typeof ELK> | null = null;

/** Lays a graph out in a worker, so that a large one does not stop the page. */
export async function layOut(graph: ElkNode): Promise<ElkNode> {
  elk ??= new ELK({ workerFactory: () => new Worker(trusted(workerUrl)) });
  return elk.layout(graph);
}
