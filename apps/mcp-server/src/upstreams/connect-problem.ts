import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError, UnauthorizedError } from '@modelcontextprotocol/client';
import { needsLogin } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { SupervisorError } from '@signalbox/supervisor/child-spec.js';

/**
 * What went wrong with a connection, and what follows: `retry` with pauses, `login`: nothing is wrong but that nobody has logged in, `give-up`:
 * trying again would not help.
 */
export interface ConnectProblem {
  kind: 'retry' | 'login' | 'give-up';
  because: string;
}

/** Answers of HTTP that say that there is no MCP server at this address, now or later. */
const hopelessStatuses = new Set([400, 404, 405, 406, 410, 415, 501]);

/** Sorts what was thrown while a server was being started or reached. Texts of the other side are cut and kept short. */
export function connectProblem(thrown: unknown): ConnectProblem {
  const status = httpStatus(thrown);
  if (status === 401 || status === 403 || UnauthorizedError.isInstance(thrown)) {
    return { kind: 'login', because: `${needsLogin}: it answered ${status ?? 401}; give it a credential by \`spec.headers\`` };
  }
  if (status !== null) {
    const because = `it answered HTTP ${status}`;
    return { kind: hopelessStatuses.has(status) ? 'give-up' : 'retry', because };
  }
  if (thrown instanceof SupervisorError) return { kind: thrown.code === 'not-found' ? 'retry' : 'give-up', because: thrown.message };
  for (let cause: unknown = thrown, depth = 0; cause instanceof Error && depth < 6; cause = cause.cause, depth++) {
    if (cause instanceof Fault)
      return { kind: cause.code === 'forbidden' || cause.code === 'invalid' ? 'give-up' : 'retry', because: cause.detail };
  }
  if (isTimeout(thrown)) return { kind: 'retry', because: 'it did not answer in time' };
  if (SdkError.isInstance(thrown) && thrown.code === SdkErrorCode.ConnectionClosed) return { kind: 'retry', because: 'it broke off' };
  if (ProtocolError.isInstance(thrown)) return { kind: 'retry', because: `it refused: ${cut(thrown.message)}` };
  return { kind: 'retry', because: cut(thrown instanceof Error ? thrown.message : String(thrown)) };
}

/** The status of an HTTP answer that was no success; null where there was none. */
export function httpStatus(thrown: unknown): number | null {
  for (let cause: unknown = thrown, depth = 0; cause instanceof Error && depth < 6; cause = cause.cause, depth++) {
    if (SdkHttpError.isInstance(cause)) return cause.status;
  }
  return null;
}

/** Whether the other side says that it does not know our session: then it has not seen the request. */
export function isSessionLost(thrown: unknown): boolean {
  return httpStatus(thrown) === 404;
}

export function isTimeout(thrown: unknown): boolean {
  return SdkError.isInstance(thrown) && thrown.code === SdkErrorCode.RequestTimeout;
}

function cut(said: string): string {
  const text = withoutSecrets(said);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
