import { Injectable } from '@nestjs/common';
import { mcpServerChanged, type McpServerChanged } from '@signalbox/shared/contracts/mcp-server/events.js';
import type { McpServerStatus, McpTransport } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { ServerStore } from './server.store.ts';

export interface ServerFacts {
  workspace: string;
  id: string;
  name: string;
  transport: McpTransport;
  status: McpServerStatus;
  reason: string | null;
  tools: number;
  restarts: number;
}

type Change = Pick<McpServerChanged, 'change' | 'added' | 'removed' | 'changed'>;

/** Tells the others that a server changed, in the transaction of the change. */
@Injectable()
export class ServerEvents {
  constructor(
    private readonly servers: ServerStore,
    private readonly outbox: Outbox,
  ) {}

  async tell(tx: EntityManager, facts: ServerFacts, change: Change): Promise<void> {
    const version = await this.servers.nextEvent(tx, facts.workspace, facts.id);
    if (version === null) return; // deleted meanwhile, which was told
    await this.outbox.append(tx, mcpServerChanged, {
      workspace: facts.workspace,
      entity: fromUuid('mcp', facts.id),
      version,
      payload: {
        id: fromUuid('mcp', facts.id),
        name: facts.name,
        transport: facts.transport,
        ...change,
        status: facts.status,
        ...(facts.reason !== null && { statusReason: facts.reason }),
        tools: facts.tools,
        restarts: facts.restarts,
      },
    });
  }
}
