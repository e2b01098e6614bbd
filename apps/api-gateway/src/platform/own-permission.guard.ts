import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { operationKey, type OperationMetadata } from './operation.ts';

/** Permissions of the few operations that the gateway answers itself; all others are checked by the service that answers. */
@Injectable()
export class OwnPermissionGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const operation = this.reflector.get<OperationMetadata | undefined>(operationKey, context.getHandler());
    if (operation?.contract.service !== 'api-gateway') return true;
    requirePermission(context.switchToHttp().getRequest<{ caller: Caller }>().caller, operation.contract.permission);
    return true;
  }
}
