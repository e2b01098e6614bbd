import { Controller } from '@nestjs/common';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { Payload } from '@nestjs/microservices';
import {
  getWorkflowSchema,
  type GetWorkflowSchemaReply,
  type GetWorkflowSchemaRequest,
} from '@signalbox/shared/contracts/execution/get-workflow-schema.js';
import { schemas } from './read-manifest.ts';

@Controller()
export class GetWorkflowSchemaHandler {
  @Handles(getWorkflowSchema)
  handle(@Payload() { kind = 'Workflow' }: GetWorkflowSchemaRequest): GetWorkflowSchemaReply {
    return { schema: schemas[kind] };
  }
}
