import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import {
  startDefinition,
  type StartDefinitionReply,
  type StartDefinitionRequest,
} from '@signalbox/shared/contracts/execution/start-definition.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import { Definitions } from '../workflows/definitions.ts';
import { RunStarter } from './run-starter.ts';

@Controller()
export class StartDefinitionHandler {
  constructor(
    private readonly starter: RunStarter,
    private readonly definitions: Definitions,
  ) {}

  @Handles(startDefinition)
  async handle(
    @Payload() { workflow, manifest, input, labels = {}, idempotencyKey }: StartDefinitionRequest,
    @FromCaller() caller: Caller,
    @FromCall() call: BusCall,
  ): Promise<StartDefinitionReply> {
    const { definition } = checkDefinition(manifest, (one) => this.definitions.compile(one));
    const wish = { workflow, definition, input: (input ?? {}) as Json, labels, idempotencyKey };
    const { view } = await this.starter.start(caller, wish, call.life);
    return view;
  }
}
