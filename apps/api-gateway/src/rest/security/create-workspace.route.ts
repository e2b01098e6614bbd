import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import {
  createWorkspace,
  CreateWorkspaceRequest,
  type CreateWorkspaceReply,
} from '@signalbox/shared/contracts/security/create-workspace.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workspaces')
export class CreateWorkspaceRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(createWorkspace, {
    summary: 'Make a workspace with its first administrator',
    description:
      "Only for who administers the installation. The answer shows the administrator's key, once. Names are unique: a repeated request is a conflict.",
    body: CreateWorkspaceRequest,
    status: 201,
  })
  handle(@Body() body: CreateWorkspaceRequest, @FromCaller() caller: Caller): Promise<CreateWorkspaceReply> {
    return this.bus.request(createWorkspace, body, caller);
  }
}
