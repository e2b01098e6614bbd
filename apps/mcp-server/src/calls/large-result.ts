import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { sendChunks } from '@signalbox/shared/bus/stream.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import type { CallToolReply } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { tooLarge } from './call.ts';

/** Keeps results that no message can hold as artifacts of the caller, and answers with a reference. */
@Injectable()
export class LargeResults {
  constructor(private readonly bus: Bus) {}

  /** The reply with the artifact in the place of its content. `limited` when it cannot be kept. */
  async keep(server: string, tool: string, reply: CallToolReply, caller: Caller): Promise<CallToolReply> {
    const { bytes, mediaType, ending } = contentOf(reply);
    const name = `${tool.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 100)}-result${ending}`;
    try {
      const { upload } = await this.bus.request(beginUpload, { name, mediaType, size: bytes.length }, caller);
      const chunks = await sendChunks([bytes], (chunk) => this.bus.request(writeChunk, { upload, ...chunk }, caller));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const { id } = await this.bus.request(finishUpload, { upload, chunks, sha256 }, caller);
      return {
        content: [
          { type: 'text', text: `The result has ${bytes.length} bytes and is kept as the artifact ${id}.` },
          { type: 'resource_link', uri: `artifact://${id}`, name, mimeType: mediaType, size: bytes.length },
        ],
        isError: reply.isError,
        meta: { ...reply.meta, 'signalbox.dev/artifact': id },
      };
    } catch (thrown) {
      const because = thrown instanceof Fault ? `, and it could not be kept as an artifact: ${thrown.detail}` : '';
      throw tooLarge(server, tool, `it has ${bytes.length} bytes${because}`);
    }
  }
}

/** One text is kept as that text, all else as JSON. */
function contentOf({ content, structuredContent }: CallToolReply): { bytes: Buffer; mediaType: string; ending: string } {
  const [only] = content as { type?: unknown; text?: unknown }[];
  if (content.length === 1 && only?.type === 'text' && typeof only.text === 'string' && structuredContent === undefined) {
    return { bytes: Buffer.from(only.text), mediaType: 'text/plain; charset=utf-8', ending: '.txt' };
  }
  const bytes = Buffer.from(JSON.stringify({ content, ...(structuredContent !== undefined && { structuredContent }) }));
  return { bytes, mediaType: 'application/json', ending: '.json' };
}
