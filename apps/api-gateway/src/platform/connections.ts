import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Bounds the connections of a server. Beyond `max`, whoever has been idle for longest makes room for who comes, so that sockets that are opened and never
 * used keep nobody out; a connection that is at work is never cut for it.
 */
export function boundConnections(server: Server, max: number, isTls: boolean): void {
  const idle = new Set<Socket>();
  let open = 0;
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    open++;
    idle.add(socket);
    socket.once('close', () => {
      open--;
      idle.delete(socket);
    });
    if (open > max) for (const oldest of idle) return void oldest.destroy();
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
  server.on('upgrade', ({ socket }) => idle.delete(socket));
  if (isTls) server.maxConnections = 2 * max; // handshakes under way are counted nowhere else
}
