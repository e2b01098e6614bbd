import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { DenialCounter } from '@signalbox/shared/identity/denial-counter.js';
import { operationKey, type OperationMetadata } from './operation.ts';

/**
 * Refuses what the caller's roles and scopes do not allow before anything that the request says is looked at. The service that answers checks again, by the
 * identity that is signed for it.
 */
@Injectable()
export class PermissionGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly denials: DenialCounter,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const operation = this.reflector.get<OperationMetadata | undefined>(operationKey, context.getHandler());
    const { caller } = context.switchToHttp().getRequest<{ caller?: Caller }>();
    if (!operation || !caller || operation.contract.identity === 'service') return true;
    try {
      requirePermission(caller, operation.contract.permission);
    } catch (thrown) {
      this.denials.note(caller, operation.contract.subject);
      throw thrown;
    }
    return true;
  }
}
