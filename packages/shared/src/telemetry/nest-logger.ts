import type { LoggerService } from '@nestjs/common';
import { log } from './log.ts';

/** Nest's own messages in our logs; its start-up chatter only at debug. */
export const nestLogger: LoggerService = {
  log: (message: unknown, context?: unknown) => log.debug(String(message), { context }),
  warn: (message: unknown, context?: unknown) => log.warn(String(message), { context }),
  error: (message: unknown, ...rest: unknown[]) =>
    log.error('nest reports an error', message instanceof Error ? { err: message } : { message, context: rest }),
  debug: (message: unknown, context?: unknown) => log.debug(String(message), { context }),
};
