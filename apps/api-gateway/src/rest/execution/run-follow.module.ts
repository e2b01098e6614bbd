import { Global, Module } from '@nestjs/common';
import { RunFeed } from './run-feed.ts';
import { RunFollower } from './run-follower.ts';

/** Following runs: for the REST routes and every other door that streams a run. */
@Global()
@Module({ providers: [RunFeed, RunFollower], exports: [RunFollower] })
export class RunFollowModule {}
