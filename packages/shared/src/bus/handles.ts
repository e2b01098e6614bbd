import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import type { Contract, EventContract, ServiceName } from './contract.ts';
import type { BusCall } from './bus-call.ts';

/** What the transport reads of a handler: `extras` of Nest's message handlers. */
export interface HandlerExtras {
  contract?: Contract;
  event?: EventContract;
}

/** Makes a controller's method the handler of a contract: it gets checked requests of callers that may make them. */
export function Handles(contract: Contract): MethodDecorator {
  return applyDecorators(MessagePattern(contract.subject, { contract } satisfies HandlerExtras));
}

/**
 * Makes a controller's method a listener. A durable event comes at least once, to one replica, and again when the method throws; a live one
 * comes to every replica, once, if at all.
 */
export function HandlesEvent(event: EventContract): MethodDecorator {
  return applyDecorators(EventPattern(event.subject, { event } satisfies HandlerExtras) as MethodDecorator);
}

/** The call itself: deadline, cancellation, subject. */
export const FromCall = createParamDecorator((_: unknown, host: ExecutionContext): BusCall => host.switchToRpc().getContext<BusCall>());

/** The service that asks, proven by NATS permissions, for contracts of identity `service`. */
export const FromService = createParamDecorator((_: unknown, host: ExecutionContext): ServiceName => {
  const { fromService } = host.switchToRpc().getContext<BusCall>();
  if (!fromService) throw new Error('FromService is used where the contract is not of identity `service`');
  return fromService;
});
