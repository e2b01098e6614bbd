import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

export type Message = Record<string, unknown> & { type: string };

/** One connection of a worker, seen from the gateway's side. */
export class WorkerLink {
  readonly socket: WebSocket;
  readonly received: Message[] = [];
  #waiting: (() => void)[] = [];
  #read = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.received.push(JSON.parse((data as Buffer).toString()) as Message);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message of this type that was not read yet; what comes before it is skipped. */
  async next(type: string, timeoutMs = 5_000): Promise<Message> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      while (this.#read < this.received.length) {
        const message = this.received[this.#read++] as Message;
        if (message.type === type) return message;
      }
      if (Date.now() > until) throw new Error(`no ${type} within ${timeoutMs} ms; got ${this.received.map((m) => m.type).join(', ')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, until - Date.now() + 1);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  count(type: string): number {
    return this.received.filter((message) => message.type === type).length;
  }

  /** Welcomes the worker and gives its hello. */
  async welcome(heartbeatMs = 1_000): Promise<Message> {
    const hello = await this.next('hello');
    this.send({ type: 'welcome', instance: hello['instance'], heartbeatMs });
    return hello;
  }
}

/** A real WebSocket server that speaks the worker protocol by hand: each test says every move of the gateway. */
export class GatewayDouble {
  readonly #http: Server;
  readonly #links: WorkerLink[] = [];
  readonly #sockets = new Set<Duplex>();
  readonly requests: IncomingMessage[] = [];
  #arrived: (() => void)[] = [];
  /** Set: the next handshakes are answered so instead. */
  refuse: { status: number; body?: string; headers?: Record<string, string>; times: number } | null = null;

  private constructor() {
    const sockets = new WebSocketServer({ noServer: true });
    this.#http = createServer((_, response) => response.writeHead(404).end());
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.requests.push(request);
      this.#sockets.add(socket);
      if (this.refuse && this.refuse.times-- > 0) {
        const { status, body = '', headers = {} } = this.refuse;
        const lines = Object.entries({ 'content-length': String(Buffer.byteLength(body)), connection: 'close', ...headers });
        socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (ws) => {
        this.#links.push(new WorkerLink(ws));
        for (const wake of this.#arrived.splice(0)) wake();
      });
    });
  }

  static async start(port = 0): Promise<GatewayDouble> {
    const gateway = new GatewayDouble();
    gateway.#http.listen(port, '127.0.0.1');
    await once(gateway.#http, 'listening');
    return gateway;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next connection that was not taken yet. */
  async link(timeoutMs = 5_000): Promise<WorkerLink> {
    const until = Date.now() + timeoutMs;
    while (this.#links.length === 0) {
      if (Date.now() > until) throw new Error('no worker came');
      await new Promise<void>((resolve) => {
        setTimeout(resolve, until - Date.now() + 1).unref();
        this.#arrived.push(resolve);
      });
    }
    return this.#links.shift() as WorkerLink;
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
