import { Controller, Get, Param } from '@nestjs/common';
import { IsObject } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { executionKinds, getWorkflowSchema, type ExecutionKind } from '@signalbox/shared/contracts/execution/get-workflow-schema.js';
import { getMcpServerSchema } from '@signalbox/shared/contracts/mcp-server/get-mcp-server-schema.js';
import { getSchema, manifestKinds, type ManifestKind } from '@signalbox/shared/contracts/registry/get-schema.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class JsonSchemaReply {
  /** A JSON Schema, of the draft that it names: this document itself is the answer. */
  @IsObject() properties!: Record<string, unknown>;
}

@Controller('api/v1/schemas')
export class GetSchemaRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':kind')
  @Operation(getSchema, {
    summary: 'The JSON Schema of a kind of manifest',
    description: 'For editors and for checks before anything is applied.',
    reply: JsonSchemaReply,
  })
  async handle(@Param('kind') kind: string, @FromCaller() caller: Caller): Promise<object> {
    if (kind === 'McpServer') return (await this.bus.request(getMcpServerSchema, {}, caller)).schema;
    if (isKept(kind)) return (await this.bus.request(getWorkflowSchema, { kind }, caller)).schema;
    if (!manifestKinds.includes(kind as ManifestKind)) {
      throw new Fault(
        'not_found',
        `there is no kind ${kind.slice(0, 80)}`,
        `Ask for one of ${[...manifestKinds, 'McpServer', ...executionKinds].join(', ')}.`,
      );
    }
    return (await this.bus.request(getSchema, { kind: kind as ManifestKind }, caller)).schema;
  }
}

function isKept(kind: string): kind is ExecutionKind {
  return (executionKinds as readonly string[]).includes(kind);
}
