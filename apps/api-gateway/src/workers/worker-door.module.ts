import { Module } from '@nestjs/common';
import { RunFollowModule } from '../rest/execution/run-follow.module.ts';
import { Instances } from './instances.ts';
import { WorkerDoor } from './worker-door.ts';

/** The door for workers: `/api/v1/workers`. */
@Module({ imports: [RunFollowModule], providers: [Instances, WorkerDoor], exports: [Instances] })
export class WorkerDoorModule {}
