import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** Pages of one server's tools that are read at most. */
const pagesMax = 20;

/** What an MCP server offers, as far as a caller may know it. */
@Injectable()
export class McpTools {
  constructor(private readonly bus: Bus) {}

  /** The names of a server's tools. `not_found` when there is no such server. */
  async namesOf(server: string, caller: Caller): Promise<string[]> {
    const names: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < pagesMax; page++) {
      const { data, nextCursor }: { data: { name: string }[]; nextCursor: string | null } = await this.bus.request(
        listTools,
        { server, limit: 200, ...(cursor !== null && { cursor }) },
        caller,
      );
      names.push(...data.map(({ name }) => name));
      if (nextCursor === null) break;
      cursor = nextCursor;
    }
    return names;
  }
}
