import { Module } from '@nestjs/common';
import { RunFollowModule } from '../rest/execution/run-follow.module.ts';
import { ChatRuns } from './chat-run.ts';
import { CreateCompletionRoute } from './create-completion.route.ts';
import { DeltaFeed } from './delta-feed.ts';
import { GetOpenAiModelRoute } from './get-model.route.ts';
import { ListOpenAiModelsRoute } from './list-models.route.ts';
import { Models } from './models.ts';

/** The door for OpenAI clients: `/v1`. */
@Module({
  imports: [RunFollowModule],
  controllers: [ListOpenAiModelsRoute, GetOpenAiModelRoute, CreateCompletionRoute],
  providers: [Models, ChatRuns, DeltaFeed],
})
export class OpenAiDoorModule {}
