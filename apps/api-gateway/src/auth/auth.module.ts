import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PermissionGuard } from '../platform/permission.guard.ts';
import { AuthGuard } from './auth.guard.ts';
import { Authenticator } from './authenticator.ts';
import { CallerWatch } from './caller-watch.ts';
import { GuessLimit } from './guess-limit.ts';

/** Who may come in: the guard of every route, and the authenticator for doors that are no routes. */
@Global()
@Module({
  providers: [
    GuessLimit,
    Authenticator,
    CallerWatch,
    // in this order, which Nest keeps within a module only: who it is, then what it may do
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: APP_GUARD, useClass: PermissionGuard },
  ],
  exports: [Authenticator, CallerWatch, GuessLimit],
})
export class AuthModule {}
