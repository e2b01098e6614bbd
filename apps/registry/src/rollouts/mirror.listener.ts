import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { mirrorsMeasured, MirrorsMeasured } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { MirrorMeasures } from './mirror-measures.ts';

@Controller()
export class MirrorListener {
  constructor(private readonly mirrors: MirrorMeasures) {}

  @HandlesEvent(mirrorsMeasured)
  handle(@Payload() measured: MirrorsMeasured, @Ctx() meta: EventMeta): void {
    this.mirrors.hear(meta.data.workspace, measured);
  }
}
