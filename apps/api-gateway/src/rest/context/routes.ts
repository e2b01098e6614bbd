import type { Type } from '@nestjs/common';
import { AppendMessageRoute } from './append-message.route.ts';
import { CreateArtifactRoute } from './create-artifact.route.ts';
import { CreateThreadRoute } from './create-thread.route.ts';
import { DeleteArtifactRoute } from './delete-artifact.route.ts';
import { DeleteStateRoute } from './delete-state.route.ts';
import { DeleteThreadRoute } from './delete-thread.route.ts';
import { GetArtifactRoute } from './get-artifact.route.ts';
import { GetStateRoute } from './get-state.route.ts';
import { GetThreadRoute } from './get-thread.route.ts';
import { ListArtifactsRoute } from './list-artifacts.route.ts';
import { ListMessagesRoute } from './list-messages.route.ts';
import { ListStateRoute } from './list-state.route.ts';
import { ListStateVersionsRoute } from './list-state-versions.route.ts';
import { ListThreadsRoute } from './list-threads.route.ts';
import { PutStateRoute } from './put-state.route.ts';
import { ReadArtifactRoute } from './read-artifact.route.ts';

/** Routes of the context service's contracts. */
export const contextRoutes: Type[] = [
  CreateArtifactRoute,
  ListArtifactsRoute,
  GetArtifactRoute,
  ReadArtifactRoute,
  DeleteArtifactRoute,
  ListStateRoute,
  GetStateRoute,
  PutStateRoute,
  DeleteStateRoute,
  ListStateVersionsRoute,
  CreateThreadRoute,
  ListThreadsRoute,
  GetThreadRoute,
  DeleteThreadRoute,
  AppendMessageRoute,
  ListMessagesRoute,
];
