import { Module } from '@nestjs/common';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { ArtifactStore } from './artifacts/artifact.store.ts';
import { BeginUploadHandler } from './artifacts/begin-upload.handler.ts';
import { DeleteArtifactHandler } from './artifacts/delete-artifact.handler.ts';
import { FinishUploadHandler } from './artifacts/finish-upload.handler.ts';
import { GetArtifactHandler } from './artifacts/get-artifact.handler.ts';
import { ListArtifactsHandler } from './artifacts/list-artifacts.handler.ts';
import { PutArtifactHandler } from './artifacts/put-artifact.handler.ts';
import { ReadChunkHandler } from './artifacts/read-chunk.handler.ts';
import { UploadStore } from './artifacts/upload.store.ts';
import { WriteChunkHandler } from './artifacts/write-chunk.handler.ts';
import { ContextConfig } from './context.config.ts';
import { KnownRuns } from './runs/known-runs.ts';
import { RunsDeletedListener } from './runs/runs-deleted.listener.ts';
import { DeleteStateHandler } from './state/delete-state.handler.ts';
import { GetStateHandler } from './state/get-state.handler.ts';
import { ListStateHandler } from './state/list-state.handler.ts';
import { ListStateVersionsHandler } from './state/list-state-versions.handler.ts';
import { PutStateHandler } from './state/put-state.handler.ts';
import { StateStore } from './state/state.store.ts';
import { Sweeper } from './sweeper.ts';
import { AppendMessageHandler } from './threads/append-message.handler.ts';
import { CreateThreadHandler } from './threads/create-thread.handler.ts';
import { DeleteThreadHandler } from './threads/delete-thread.handler.ts';
import { GetThreadHandler } from './threads/get-thread.handler.ts';
import { ListMessagesHandler } from './threads/list-messages.handler.ts';
import { ListThreadsHandler } from './threads/list-threads.handler.ts';
import { ThreadStore } from './threads/thread.store.ts';

/** What agents know and share: threads, shared state, artifacts. */
@Module({
  imports: [ServiceModule.forRoot({ name: 'context', config: loadConfig(ContextConfig), entities: [] })],
  controllers: [
    PutArtifactHandler,
    BeginUploadHandler,
    WriteChunkHandler,
    FinishUploadHandler,
    GetArtifactHandler,
    ReadChunkHandler,
    ListArtifactsHandler,
    DeleteArtifactHandler,
    RunsDeletedListener,
    PutStateHandler,
    GetStateHandler,
    DeleteStateHandler,
    ListStateHandler,
    ListStateVersionsHandler,
    CreateThreadHandler,
    GetThreadHandler,
    ListThreadsHandler,
    DeleteThreadHandler,
    AppendMessageHandler,
    ListMessagesHandler,
  ],
  providers: [ArtifactStore, UploadStore, StateStore, ThreadStore, KnownRuns, Sweeper],
})
export class ContextModule {}
