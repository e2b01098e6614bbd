import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a proxied link does to what goes through it. */
export type LinkFault =
  /** All goes through at once. */
  | { kind: 'none' }
  /** Each piece comes this much later, in both ways, in order. */
  | { kind: 'delay'; ms: number }
  /** Each piece comes up to this much later, in order, and this share of pieces (0 to 1) resets its link instead. */
  | { kind: 'jitter'; ms: number; resets: number }
  /** Nothing goes through and nothing is closed: the other end looks alive. New connections are accepted and stay silent. */
  | { kind: 'black-hole' }
  /** Nobody listens behind it: connections are reset as they come. */
  | { kind: 'refuse' };

interface Link {
  outside: Socket;
  inside: Socket | null;
}

/** A TCP link between a client and a server that a test can make slow, silent or cut. */
export class FaultProxy {
  private fault: LinkFault = { kind: 'none' };
  private readonly links = new Set<Link>();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {}

  /** Listens on any port of loopback and passes on to the target's URL. */
  static async to(targetUrl: string): Promise<FaultProxy> {
    const { hostname, port } = new URL(targetUrl);
    const server = createServer();
    const proxy = new FaultProxy(server, { host: hostname, port: Number(port) });
    server.on('connection', (socket) => proxy.open(socket));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The target's URL, by way of this proxy. */
  url(targetUrl: string): string {
    const url = new URL(targetUrl);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href.replace(/\/$/, '');
  }

  /** From now on, for open links and new ones. */
  set(fault: LinkFault): void {
    this.fault = fault;
    if (fault.kind === 'refuse') this.cut();
    if (fault.kind === 'none') for (const link of this.links) if (!link.inside) this.connectInside(link);
  }

  /** Resets all open links, as a machine that goes away; new ones are made as `set` says. */
  cut(): void {
    for (const link of this.links) this.reset(link);
  }

  private reset(link: Link): void {
    link.outside.resetAndDestroy();
    link.inside?.resetAndDestroy();
    this.links.delete(link);
  }

  get openLinks(): number {
    return this.links.size;
  }

  private open(outside: Socket): void {
    if (this.fault.kind === 'refuse') {
      outside.resetAndDestroy();
      return;
    }
    const link: Link = { outside, inside: null };
    this.links.add(link);
    outside.on('error', () => undefined); // followed by close
    outside.on('close', () => this.close(link));
    if (this.fault.kind !== 'black-hole') this.connectInside(link);
  }

  private connectInside(link: Link): void {
    const inside = connect(this.target);
    link.inside = inside;
    inside.on('error', () => undefined); // followed by close
    inside.on('close', () => this.close(link));
    this.pass(link, link.outside, inside);
    this.pass(link, inside, link.outside);
  }

  private pass(link: Link, from: Socket, to: Socket): void {
    // What was read before a black hole began is held back in order; a delayed piece never overtakes another.
    let tail: Promise<void> = Promise.resolve();
    from.on('data', (piece: Buffer) => {
      const { fault } = this;
      if (fault.kind === 'jitter' && Math.random() < fault.resets) return this.reset(link);
      const due = performance.now() + (fault.kind === 'delay' ? fault.ms : fault.kind === 'jitter' ? fault.ms * Math.random() : 0);
      tail = tail.then(async () => {
        await this.mayPass(due);
        if (!to.destroyed) to.write(piece);
      });
    });
    from.on('end', () => void tail.then(() => to.end()));
  }

  private async mayPass(due: number): Promise<void> {
    while (this.fault.kind === 'black-hole' && this.server.listening) await pause(10);
    const rest = due - performance.now();
    if (rest > 0) await pause(rest);
  }

  private close(link: Link): void {
    link.outside.destroy();
    link.inside?.destroy();
    this.links.delete(link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
