import type { BusServer } from '../bus/bus-server.ts';
import { Server } from '@nestjs/microservices';

/** Stands in for the bus server until Nest has made what it needs, then hands over the handlers. */
export class DeferredStrategy extends Server {
  private server: BusServer | null = null;

  become(server: BusServer): void {
    this.server = server;
  }

  override listen(callback: (error?: unknown) => void): void {
    if (!this.server) throw new Error('the bus server was not given');
    for (const [pattern, handler] of this.messageHandlers) this.server.getHandlers().set(pattern, handler);
    this.server.listen(callback);
  }

  override close(): Promise<void> | undefined {
    return this.server?.close();
  }

  override on(): void {
    throw new Error('the bus has no events of its own to listen to');
  }

  override unwrap<T>(): T {
    return this.server as T;
  }
}
