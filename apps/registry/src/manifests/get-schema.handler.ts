import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getSchema, type GetSchemaReply, GetSchemaRequest } from '@signalbox/shared/contracts/registry/get-schema.js';
import { schemas } from './parse-manifest.ts';

@Controller()
export class GetSchemaHandler {
  @Handles(getSchema)
  handle(@Payload() { kind }: GetSchemaRequest): Promise<GetSchemaReply> {
    return Promise.resolve({ schema: { ...schemas[kind] } });
  }
}
