import { Module } from '@nestjs/common';

/** The door for workers: `/api/v1/workers`. */
@Module({})
export class WorkerDoorModule {}
