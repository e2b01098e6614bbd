import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from './auth.guard.ts';
import { Authenticator } from './authenticator.ts';
import { GuessLimit } from './guess-limit.ts';

/** Who may come in: the guard of every route, and the authenticator for doors that are no routes. */
@Global()
@Module({
  providers: [GuessLimit, Authenticator, { provide: APP_GUARD, useClass: AuthGuard }],
  exports: [Authenticator, GuessLimit],
})
export class AuthModule {}
