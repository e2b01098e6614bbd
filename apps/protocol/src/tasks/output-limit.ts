import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ArtifactWriter } from './artifact-writer.ts';
import type { TaskCall } from './task.ts';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { ProtocolConfig } from '../protocol.config.ts';

/** The largest output that goes to execution in its result: a message, with room for what stands around it. */
export const outputInlineMax = 256 * 1024;

/** Keeps outputs that do not fit a message as artifacts. */
@Injectable()
export class OutputLimit {
  constructor(
    private readonly artifacts: ArtifactWriter,
    private readonly config: ProtocolConfig,
  ) {}

  /** The output itself, or `{ artifact }` that refers to it. `limited` when it is larger than is kept. */
  async fit(call: TaskCall, output: unknown): Promise<unknown> {
    const text = JSON.stringify(output ?? null);
    const bytes = Buffer.from(text);
    if (bytes.length <= outputInlineMax) return output;
    if (bytes.length > this.config.outputMaxBytes) {
      throw new Fault(
        'limited',
        `the output has ${bytes.length} bytes, at most ${this.config.outputMaxBytes} are kept`,
        'Have the target answer with less.',
      );
    }
    const { id, name, mediaType, size, sha256 } = await this.artifacts.write(call, {
      name: `${call.request.agent ?? call.request.tool?.replace('/', '-') ?? 'output'}-${createHash('sha256').update(call.id).digest('hex').slice(0, 8)}.json`,
      mediaType: 'application/json',
      bytes,
      purpose: 'output',
    });
    return { artifact: { id, name, mediaType, size, sha256 } };
  }
}
