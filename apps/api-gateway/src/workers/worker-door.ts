import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import fastifyWebsocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { leaseTasks } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { Authenticator } from '../auth/authenticator.ts';
import { OpenStreams } from '../platform/open-streams.ts';
import { sendProblem } from '../platform/problem.ts';
import { Instances } from './instances.ts';
import { messageMaxBytes, readWorkerMessage, type ToWorker } from './worker-messages.ts';
import { heartbeatMs, WorkerSession } from './worker-session.ts';

export const workersPath = '/api/v1/workers/connect';
/** A worker that says nothing for so long is not there any more. */
const silentMs = 3 * heartbeatMs;
const helloMs = 10_000;
/** What a worker may be behind in reading before it is cut. */
const behindMaxBytes = 8 * 1024 * 1024;

type WithCaller = FastifyRequest & { caller?: Caller };

/** The door for workers that dial in by WebSocket (RFC 6455): `GET /api/v1/workers/connect` with a key. */
@Injectable()
export class WorkerDoor implements OnModuleInit, BeforeApplicationShutdown {
  private readonly sockets = new Map<WebSocket, WorkerSession>();

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly bus: Bus,
    private readonly authenticator: Authenticator,
    private readonly streams: OpenStreams,
    private readonly instances: Instances,
  ) {}

  async onModuleInit(): Promise<void> {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    await fastify.register(fastifyWebsocket, { options: { maxPayload: messageMaxBytes, perMessageDeflate: false } });
    await fastify.register((scope: FastifyInstance, _options, done) => {
      scope.get(
        workersPath,
        { websocket: true, preValidation: (request, reply) => this.admit(request, reply) },
        (socket: WebSocket, request: WithCaller) => this.open(socket, request.caller as Caller),
      );
      done();
    });
    void this.watchBus();
    // The owner of a queue was killed, and would never answer: the next one is asked as soon as there is one.
    this.bus.owners.hear((shards) => {
      for (const session of this.sockets.values()) session.askAgainOf(shards);
    });
  }

  private async watchBus(): Promise<void> {
    for await (const { type } of this.bus.connection.status()) {
      if (type === 'reconnect') for (const session of this.sockets.values()) session.askAgain();
    }
  }

  /** Workers come back by themselves; they are told, so that they offer their results elsewhere. */
  beforeApplicationShutdown(): void {
    for (const socket of this.sockets.keys()) {
      send(socket, { type: 'drain' });
      socket.close(1001, 'the gateway is stopping');
    }
  }

  private async admit(request: WithCaller, reply: FastifyReply): Promise<void> {
    try {
      const caller = await this.authenticator.authenticate(request);
      requirePermission(caller, leaseTasks.permission);
      request.caller = caller;
    } catch (thrown) {
      sendProblem(reply, Fault.from(thrown));
    }
  }

  private open(socket: WebSocket, caller: Caller): void {
    let heardAt = performance.now();
    const session = new WorkerSession(this.bus, caller, this.instances, {
      send: (message) => send(socket, message),
      close: (code, reason) => socket.close(code, reason),
    });
    this.sockets.set(socket, session);
    const closable = {
      close: () => socket.close(1008, 'the key is not valid any more'),
      onClose: (work: () => void) => void socket.once('close', work),
    };
    this.streams.add(caller, closable);
    const opened = performance.now();
    const watch = setInterval(() => {
      const at = performance.now();
      if (!session.isGreeted && at - opened > helloMs) socket.close(1008, 'hello did not come in time');
      else if (at - heardAt > silentMs) socket.terminate();
    }, heartbeatMs);
    socket.on('ping', () => (heardAt = performance.now()));
    socket.on('message', (data: Buffer) => {
      heardAt = performance.now();
      try {
        const message = readWorkerMessage(data);
        if (message) void session.hear(message);
      } catch (thrown) {
        const detail = thrown instanceof Fault ? thrown.detail : (thrown as Error).message;
        send(socket, { type: 'error', code: 'invalid', detail, next: 'Speak as docs/worker-protocol.md says.' });
        socket.close(1008, detail.slice(0, 100));
      }
    });
    socket.on('error', (err: Error) => log.debug('a worker’s socket failed', { err }));
    socket.once('close', () => {
      clearInterval(watch);
      this.sockets.delete(socket);
      session.close();
    });
  }
}

function send(socket: WebSocket, message: ToWorker): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.send(JSON.stringify(message));
  if (socket.bufferedAmount > behindMaxBytes) socket.terminate();
}
