import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { chunksOfCompletion, completionOf } from './completion.ts';
import { Script, type ChatRequest, type ModelFault, type ModelReply, type ScriptRule } from './script.ts';

export interface ScriptedModelOptions {
  /** What `/v1/models` lists; `scripted-1` if absent. */
  models?: string[];
  /** The only key that is let in; any if absent. */
  apiKey?: string;
  /** 0 or absent: any free port. */
  port?: number;
}

/** What came to the server. */
export interface SeenRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: ChatRequest;
  /** Whether the client went away before the answer was whole. */
  isAborted: boolean;
}

/** A server that speaks the OpenAI API and says what a script tells it to: no model, but a real peer for clients of models. */
export class ScriptedModel implements AsyncDisposable {
  readonly script = new Script();
  readonly seen: SeenRequest[] = [];
  private count = 0;

  private constructor(
    private readonly server: Server,
    private readonly options: ScriptedModelOptions,
  ) {}

  static async start(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
    const server = createServer();
    const model = new ScriptedModel(server, options);
    server.on('request', (request, response) => {
      model.serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve));
    return model;
  }

  /** What clients take as `baseURL`. */
  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Adds a rule in front of the others. */
  on(when: ScriptRule['when'], reply: ScriptRule['reply'], times?: number): this {
    this.script.add({ ...(when !== undefined && { when }), reply, ...(times !== undefined && { times }) });
    return this;
  }

  /** Forgets all rules and what was seen. */
  reset(): void {
    this.script.clear();
    this.seen.length = 0;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-request-id', `scripted_${++this.count}`);
    const { apiKey, models = ['scripted-1'] } = this.options;
    if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
      sendError(response, { status: 401, message: 'Incorrect API key provided.', code: 'invalid_api_key' });
      return;
    }
    const path = new URL(request.url ?? '/', 'http://scripted').pathname;
    if (request.method === 'GET' && path === '/v1/models') {
      sendJson(response, 200, { object: 'list', data: models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'scripted' })) });
    } else if (request.method === 'POST' && path === '/v1/chat/completions') {
      await this.complete(request, response, path);
    } else sendError(response, { status: 404, message: `Unknown request URL: ${request.method} ${path}.`, code: 'unknown_url' });
  }

  private async complete(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    let body: ChatRequest;
    try {
      body = JSON.parse(Buffer.concat(parts).toString()) as ChatRequest;
    } catch {
      sendError(response, { status: 400, message: 'We could not parse the JSON body of your request.' });
      return;
    }
    const seen: SeenRequest = { path, headers: request.headers, body, isAborted: false };
    this.seen.push(seen);
    response.once('close', () => (seen.isAborted = !response.writableFinished));
    if (!(this.options.models ?? ['scripted-1']).includes(body.model)) {
      sendError(response, { status: 404, message: `The model \`${body.model}\` does not exist.`, code: 'model_not_found' });
      return;
    }
    await this.answer(body, response, this.script.answer(body));
  }

  private async answer(body: ChatRequest, response: ServerResponse, reply: ModelReply): Promise<void> {
    const { fault } = reply;
    if (fault && 'status' in fault) return sendError(response, fault);
    if (fault && 'garbage' in fault) return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": [');
    if (fault && 'silentMs' in fault) await pause(fault.silentMs);
    if (response.destroyed) return;
    const shape = { id: `chatcmpl-scripted${this.count}`, created: Math.floor(Date.now() / 1_000) };
    if (!body.stream) {
      if (fault && 'cutAfter' in fault) return void response.destroy();
      return sendJson(response, 200, completionOf(body, reply, shape));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let sent = 0;
    for (const chunk of chunksOfCompletion(body, reply, shape)) {
      if (fault && 'cutAfter' in fault && sent++ > fault.cutAfter) return void response.destroy();
      if (reply.pauseMs) await pause(reply.pauseMs);
      if (response.destroyed) return;
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const errorTypes: Record<number, string> = { 401: 'invalid_request_error', 429: 'rate_limit_error' };

function sendError(response: ServerResponse, { status, message, code, retryAfterMs }: Extract<ModelFault, { status: number }>): void {
  if (retryAfterMs !== undefined) response.setHeader('retry-after-ms', String(retryAfterMs));
  sendJson(response, status, {
    error: {
      message: message ?? 'The scripted model was told to fail.',
      type: errorTypes[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error'),
      param: null,
      code: code ?? null,
    },
  });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
