import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenCall {
  headers: IncomingMessage['headers'];
  body: unknown;
  isAborted: boolean;
}

/** A real HTTP agent whose answers a test gives. */
export class HttpAgentPeer implements AsyncDisposable {
  readonly seen: SeenCall[] = [];
  answer: (call: SeenCall, response: ServerResponse) => void = ({ body }, response) => json(response, 200, { echo: body });

  private constructor(private readonly server: Server) {}

  static async start(): Promise<HttpAgentPeer> {
    const server = createServer();
    const peer = new HttpAgentPeer(server);
    server.on('request', (request, response) => void peer.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/invoke`;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const call: SeenCall = { headers: request.headers, body: JSON.parse(text), isAborted: false };
    response.once('close', () => (call.isAborted = !response.writableFinished));
    this.seen.push(call);
    this.answer(call, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
