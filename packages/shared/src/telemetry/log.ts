import { pino, type Logger } from 'pino';
import { jsonWithoutSecrets } from '../secrets/live-secrets.ts';
import { currentCall } from './call-context.ts';

/** Names of fields whose values never reach a log, wherever they stand (two levels down, as deep as our logs go). */
const secretFields = ['token', 'key', 'apiKey', 'password', 'secret', 'authorization', 'cookie', 'credential', 'credentials', 'seed'];
const secretPattern =
  /sbx_[A-Za-z0-9_-]{8,}|(?<=grant_[0-9a-z]{26}_)[A-Za-z0-9]{20,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|(?<=:\/\/[^:@/\s]{1,64}:)[^@/\s]+(?=@)/g;

/** A line of the log (JSON) without the values of secrets, and without what looks like one of our keys, an identity or a password in a URL. */
export function scrub(line: string): string {
  const clean = jsonWithoutSecrets(line);
  return (clean === line ? line : `${clean}\n`).replace(secretPattern, '[redacted]');
}

function build(): Logger {
  return pino({
    level: process.env['LOG_LEVEL'] ?? 'info',
    base: { service: process.env['SIGNALBOX_SERVICE'] ?? 'signalbox' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[redacted]' },
    formatters: { level: (level) => ({ level }) },
    mixin: () => {
      const trace = currentCall()?.traceparent;
      return trace === undefined ? {} : { trace: trace.slice(3, 35) };
    },
    hooks: { streamWrite: scrub },
  });
}

const logger = build();

type Fields = Record<string, unknown>;

/** Structured logs: JSON lines on standard output, a fixed sentence and fields. */
export const log = {
  debug: (sentence: string, fields: Fields = {}): void => logger.debug(fields, sentence),
  info: (sentence: string, fields: Fields = {}): void => logger.info(fields, sentence),
  warn: (sentence: string, fields: Fields = {}): void => logger.warn(fields, sentence),
  /** `err` in the fields is written with its stack and causes. */
  error: (sentence: string, fields: Fields = {}): void => logger.error(fields, sentence),
};
