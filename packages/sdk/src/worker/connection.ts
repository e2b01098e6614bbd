import { WebSocket } from 'ws';
import { ApiError, ConnectionError, retryAfterMs } from '../client/api-error.ts';
import { readMessage } from './protocol.ts';
import type { FromGateway, ToGateway } from './protocol.ts';

/** One WebSocket to the gateway. */
export interface Connection {
  send(message: ToGateway): void;
  /** Answered pings since the last call: a connection that is silent for long is dead, even where TCP has not noticed. */
  probe(): boolean;
  close(): void;
  /** Resolves with why, when the connection is gone. */
  closed: Promise<string>;
}

/** A handshake that takes longer is given up. */
const handshakeTimeoutMs = 10_000;
/** A task's input is at most 512 KiB on the bus; what was stored as an artifact comes as a reference. */
const messageMaxBytes = 16 * 1024 * 1024;

/** Dials the gateway. `ApiError` when it refuses, `ConnectionError` when it cannot be reached. */
export function connect(url: string, apiKey: string | undefined, onMessage: (message: FromGateway) => void): Promise<Connection> {
  const target = `${url.replace(/^http/, 'ws').replace(/\/+$/, '')}/api/v1/workers/connect`;
  const socket = new WebSocket(target, {
    handshakeTimeout: handshakeTimeoutMs,
    maxPayload: messageMaxBytes,
    perMessageDeflate: false,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
  });
  let isAnswering = true;
  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => resolve(reason.length > 0 ? reason.toString('utf8') : `code ${code}`));
  });
  socket.on('pong', () => (isAnswering = true));
  socket.on('message', (data) => {
    isAnswering = true;
    const message = readMessage((data as Buffer).toString('utf8'));
    if (message) onMessage(message);
  });
  return new Promise((resolve, reject) => {
    socket.on('error', (error) => reject(new ConnectionError('unreachable', target, `cannot reach ${url}: ${error.message}`, error)));
    socket.on('unexpected-response', (request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        request.destroy();
        reject(refusal(response.statusCode ?? 500, Buffer.concat(chunks).toString('utf8'), response.headers['retry-after']));
      });
    });
    socket.on('open', () =>
      resolve({
        closed,
        send: (message) => socket.send(JSON.stringify(message)),
        probe: () => {
          const answered = isAnswering;
          isAnswering = false;
          if (socket.readyState === WebSocket.OPEN) socket.ping();
          return answered;
        },
        close: () => {
          socket.close(1000);
          // A peer that is gone answers no closing handshake.
          setTimeout(() => socket.terminate(), 1_000).unref();
        },
      }),
    );
  });
}

function refusal(status: number, body: string, retryAfter: string | undefined): ApiError {
  try {
    return new ApiError(status, JSON.parse(body) as object, retryAfterMs(retryAfter ?? null, Date.now()));
  } catch {
    return new ApiError(status, { title: `the gateway answered ${status}` }, retryAfterMs(retryAfter ?? null, Date.now()));
  }
}
