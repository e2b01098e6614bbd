import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import type { Contract, MessageClass } from '@signalbox/shared/bus/contract.js';

export interface OperationOptions {
  /** One line for the reference pages. */
  summary: string;
  description?: string;
  /** What the body is checked against; absent: the operation takes none. */
  body?: MessageClass;
  /** What the query is checked against. */
  query?: MessageClass;
  /** The answer's class where it is not the contract's reply. */
  reply?: MessageClass;
  status?: number;
  /** Where the body is bytes and not JSON: its media type. */
  consumes?: string;
  /** Whether the answer is a stream of events or bytes: its media type. */
  produces?: string;
}

/** What the reference pages and the guard read of a route. */
export interface OperationMetadata extends OperationOptions {
  contract: Contract;
}

export const operationKey = 'signalbox:operation';

/**
 * Makes a controller's method a REST operation of a contract: the caller needs the contract's permission, the body and query are checked before
 * the method runs, and the operation stands in the OpenAPI document.
 */
export function Operation(contract: Contract, options: OperationOptions): MethodDecorator {
  return applyDecorators(
    SetMetadata(operationKey, { contract, ...options } satisfies OperationMetadata),
    ...(options.status === undefined ? [] : [HttpCode(options.status)]),
  );
}
