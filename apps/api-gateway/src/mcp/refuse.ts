import type { ServerResponse } from 'node:http';

/** JSON-RPC's code for what a server says of its own: the transport refused the request. */
const refusedCode = -32_001;

/** Answers a request that no server of ours saw, in the words of the protocol. Once an answer has begun, it can only be cut. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code: refusedCode, message }, id: null }));
}
