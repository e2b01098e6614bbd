import { followEvents } from './event-stream.ts';
import type { FollowOptions } from './event-stream.ts';
import type { Page } from './pages.ts';
import type { JsonSchema } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export interface ServiceStatus {
  name: string;
  status: 'up' | 'degraded' | 'down';
  version?: string;
  uptimeS?: number;
  /** Of the last health call over the bus. */
  latencyMs?: number;
  memoryBytes?: number;
  /** Why it is not up. */
  detail?: string;
  /** When it was last asked. */
  checkedAt: string;
}

/** Who the key or session speaks for. */
export interface WhoAmI {
  workspace: string;
  principal: string;
  name: string;
  roles: string[];
  scopes: string[];
  /** The key or session that says so. */
  credential?: string;
}

export type SystemEventType =
  'agent.changed' | 'deployment.changed' | 'run.changed' | 'mcp-server.changed' | 'service.changed' | (string & {});

/** Something changed: `data` names what, and is read anew where it matters. */
export interface SystemEvent {
  id: string;
  type: SystemEventType;
  data: Record<string, unknown>;
}

/** `/system`, `/whoami` and `/events`. */
export class System {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  async services(options: RequestOptions = {}): Promise<ServiceStatus[]> {
    const { data } = await this.#http.json<Page<ServiceStatus>>({ method: 'GET', path: '/system/services', ...options });
    return data;
  }

  whoami(options: RequestOptions = {}): Promise<WhoAmI> {
    return this.#http.json({ method: 'GET', path: '/whoami', ...options });
  }

  /** The JSON Schema that manifests of a kind are checked against. */
  schema(kind: string, options: RequestOptions = {}): Promise<JsonSchema> {
    return this.#http.json({ method: 'GET', path: path`/schemas/${kind}`, ...options });
  }

  /** What changes, live, until the signal is aborted; resumes behind the last event after a lost connection. */
  async *events(options: FollowOptions = {}): AsyncGenerator<SystemEvent> {
    for await (const { id, event, data } of followEvents(this.#http, '/events', undefined, options)) {
      yield { id, type: event, data: JSON.parse(data) as Record<string, unknown> };
    }
  }
}
