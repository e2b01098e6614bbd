import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { messageMaxBytes } from '@signalbox/shared/bus/contract.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { type ListedTool, listTools, type ListToolsReply, ListToolsRequest } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { serverMissing } from '../servers/server.ts';
import { Upstreams } from '../upstreams/upstreams.ts';
import { type CataloguedTool, toolView } from './catalogue.ts';

/** What definitions may take of one message. */
const pageMaxBytes = messageMaxBytes - 64 * 1024;

@Controller()
export class ListToolsHandler {
  constructor(private readonly upstreams: Upstreams) {}

  @Handles(listTools)
  handle(@Payload() request: ListToolsRequest, @FromCaller() { workspace }: Caller): ListToolsReply {
    const { server, limit = pageLimitDefault, cursor, q, verbatim } = request;
    if (server !== undefined && !this.upstreams.find(workspace, server)) throw serverMissing(server);
    const [afterServer = '', afterTool = ''] = cursor === undefined ? [] : decodeCursor(cursor, 2);
    const words = (q ?? '')
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const data: ListedTool[] = [];
    let bytes = 0;
    for (const upstream of this.upstreams.of(workspace)) {
      const { name } = upstream.facts;
      if ((server !== undefined && name !== server) || name < afterServer) continue;
      for (const tool of upstream.tools.values()) {
        if (name === afterServer && tool.name <= afterTool) continue;
        if (!words.every((word) => searchText(tool).includes(word))) continue;
        const view = toolView(name, tool, verbatim);
        const size = Buffer.byteLength(JSON.stringify(view));
        if (data.length === limit || (data.length > 0 && bytes + size > pageMaxBytes)) {
          const last = data.at(-1)!;
          return { data, nextCursor: encodeCursor([last.server, last.name]) };
        }
        data.push(view);
        bytes += size;
      }
    }
    return { data, nextCursor: null };
  }
}

function searchText({ name, definition: { title, description } }: CataloguedTool): string {
  return `${name} ${typeof title === 'string' ? title : ''} ${typeof description === 'string' ? description : ''}`.toLowerCase();
}
