import { Readable } from 'node:stream';
import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { exportRun } from '@signalbox/shared/contracts/execution/export-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class ExportRunRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/export')
  @Operation(exportRun, {
    summary: 'An ended run as a file',
    description:
      'JSON, one document a line: the definition, the input, all that happened, outputs and large values, and a hash over it. `POST /api/v1/runs/import` reads it, here or elsewhere.',
    produces: 'application/x-ndjson',
  })
  async handle(@Param('id') id: string, @FromCaller() caller: Caller, @Res() reply: FastifyReply): Promise<void> {
    const run = requireRunId(id);
    // What cannot be exported is said before the file begins.
    const first = await this.bus.request(exportRun, { run }, caller);
    reply.headers({
      'content-type': 'application/x-ndjson',
      'content-disposition': `attachment; filename="${run}.run.jsonl"`,
      'x-content-type-options': 'nosniff',
    });
    await reply.send(Readable.from(this.parts(run, caller, first), { objectMode: false }));
  }

  private async *parts(run: string, caller: Caller, first: { data: string; nextCursor: string | null }): AsyncGenerator<Buffer> {
    yield Buffer.from(first.data, 'base64');
    for (let { nextCursor: cursor } = first; cursor !== null;) {
      const part = await this.bus.request(exportRun, { run, cursor }, caller);
      yield Buffer.from(part.data, 'base64');
      cursor = part.nextCursor;
    }
  }
}
