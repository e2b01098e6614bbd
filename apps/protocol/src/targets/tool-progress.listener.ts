import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { ToolProgressed, toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { ToolCaller } from './tool-caller.ts';

@Controller()
export class ToolProgressListener {
  constructor(private readonly tools: ToolCaller) {}

  @HandlesEvent(toolProgressed)
  handle(@Payload() progress: ToolProgressed): void {
    this.tools.progressed(progress);
  }
}
