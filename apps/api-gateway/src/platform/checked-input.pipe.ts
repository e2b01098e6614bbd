import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import type { MessageClass } from '@signalbox/shared/bus/contract.js';
import { validateRequest } from '@signalbox/shared/bus/validate.js';

/** Checks every body and query whose parameter has a class, the way the bus checks requests. */
export class CheckedInputPipe implements PipeTransform {
  transform(value: unknown, { type, metatype, data }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || data !== undefined || !metatype || metatype === Object) return value;
    return validateRequest(metatype as MessageClass, value ?? {});
  }
}
