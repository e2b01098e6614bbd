import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listKeptLimits,
  type ListKeptLimitsReply,
  type ListKeptLimitsRequest,
} from '@signalbox/shared/contracts/execution/list-kept-limits.js';
import { KeptLimits } from './kept-limits.ts';

@Controller()
export class ListKeptLimitsHandler {
  constructor(private readonly kept: KeptLimits) {}

  @Handles(listKeptLimits)
  handle(@Payload() request: ListKeptLimitsRequest): ListKeptLimitsReply {
    return this.kept.list(request);
  }
}
