import { request, type IncomingHttpHeaders } from 'node:http';
import type { StackUnderTest } from '../stack-under-test.ts';

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body read as JSON; null where it is none. */
  body: unknown;
  ms: number;
}

export interface RawRequest {
  key?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** The loopback address that it comes from: guessing is counted by address. */
  from?: string;
}

/** A request whose path and headers go out as they are written, as no well-behaved client would send them. */
export function raw(stack: StackUnderTest, method: string, path: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { key, headers, body, from } = options;
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: stack.port,
        method,
        path,
        agent: false,
        ...(from && { localAddress: from }),
        headers: {
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            body: isJson && text !== '' ? (JSON.parse(text) as unknown) : null,
            ms: performance.now() - since,
          });
        });
        response.once('error', reject);
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}
