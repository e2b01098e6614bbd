import { createHash } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { chunkBytes, receiveChunks } from '@signalbox/shared/bus/stream.js';
import { getArtifact } from '@signalbox/shared/contracts/context/get-artifact.js';
import { readChunk } from '@signalbox/shared/contracts/context/read-chunk.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { importRun, type ImportRunReply, type ImportRunRequest } from '@signalbox/shared/contracts/execution/import-run.js';
import { shardCount } from '@signalbox/shared/shards/shard-count.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { runFileMaxBytes } from '@signalbox/workflow/run-file/format.js';
import { RunFileReader, type ReadRun } from '@signalbox/workflow/run-file/read.js';
import { newRunUuid } from '../journal/identifiers.ts';
import { ImportStore } from './import.store.ts';

/** Files read at once by one replica: each is in memory as a whole. */
const readingMax = 2;

@Controller()
export class ImportRunHandler {
  private reading = 0;

  constructor(
    private readonly bus: Bus,
    private readonly store: ImportStore,
  ) {}

  @Handles(importRun)
  async handle(
    @Payload() { artifact, idempotencyKey }: ImportRunRequest,
    @FromCaller() caller: Caller,
    @FromCall() { signal }: BusCall,
  ): Promise<ImportRunReply> {
    requirePermission(caller, applyWorkflow.permission);
    if (this.reading >= readingMax) {
      throw new Fault('limited', `${readingMax} runs are being imported`, 'Try again in a moment.', { retryAfterMs: 2_000 });
    }
    this.reading++;
    try {
      const uuid = newRunUuid(now(), Math.floor(Math.random() * shardCount));
      const { run, sha256 } = await this.read(artifact, uuid, caller, signal);
      return await this.store.keep(caller, uuid, run, { sha256, key: idempotencyKey });
    } finally {
      this.reading--;
    }
  }

  private async read(artifact: string, uuid: string, caller: Caller, signal: AbortSignal): Promise<{ run: ReadRun; sha256: string }> {
    const { size } = await this.bus.request(getArtifact, { artifact }, caller);
    if (size > runFileMaxBytes) {
      const detail = `the file has ${size} bytes, at most ${runFileMaxBytes} are read`;
      throw new Fault('invalid', detail, 'A run as large as that cannot be imported.', { status: 413 });
    }
    const reader = new RunFileReader();
    const hash = createHash('sha256');
    const parts = receiveChunks(Math.ceil(size / chunkBytes), (index) => this.bus.request(readChunk, { artifact, index }, caller));
    for await (const part of parts) {
      signal.throwIfAborted();
      hash.update(part);
      reader.add(part);
    }
    return { run: await reader.end(uuid), sha256: hash.digest('base64url') };
  }
}
