import { Module } from '@nestjs/common';

/** The door for OpenAI clients: `/v1`. */
@Module({})
export class OpenAiDoorModule {}
