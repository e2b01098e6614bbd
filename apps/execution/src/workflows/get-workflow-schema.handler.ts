import { Controller } from '@nestjs/common';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getWorkflowSchema, type GetWorkflowSchemaReply } from '@signalbox/shared/contracts/execution/get-workflow-schema.js';
import { workflowSchema } from './read-manifest.ts';

@Controller()
export class GetWorkflowSchemaHandler {
  @Handles(getWorkflowSchema)
  handle(): GetWorkflowSchemaReply {
    return { schema: workflowSchema };
  }
}
