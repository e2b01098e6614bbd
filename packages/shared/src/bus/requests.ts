import { createInbox, NoRespondersError, TimeoutError, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';

/** Timers of the same length cost Node less than each its own: what is late is noticed this late at most. */
const stepMs = 50;

interface Waiting {
  subject: string;
  timer: NodeJS.Timeout;
  resolve(message: Msg): void;
  reject(reason: unknown): void;
}

/** One question: its answer, and the way to end the wait for it. */
export interface Asking {
  /** Rejects with `NoRespondersError` when nobody hears the question, with `TimeoutError` when the answer is late. */
  answer: Promise<Msg>;
  fail(reason: unknown): void;
}

/**
 * Questions over NATS with one inbox for all their answers. The client has the same, but makes an error with its stack for every question, also for
 * those that are answered.
 */
export class Requests {
  private readonly waiting = new Map<string, Waiting>();
  private inbox = '';
  private asked = 0;

  constructor(
    private readonly connection: NatsConnection,
    /** The service's, which NATS lets no other hear. */
    private readonly inboxPrefix: string,
  ) {}

  ask(subject: string, body: string, { headers, timeoutMs }: { headers: MsgHdrs; timeoutMs: number }): Asking {
    if (this.inbox === '') this.listen();
    const token = (++this.asked).toString(36);
    const { promise: answer, resolve, reject } = Promise.withResolvers<Msg>();
    const late = (): void => this.taken(token)?.reject(new TimeoutError());
    const timer = setTimeout(late, Math.ceil(timeoutMs / stepMs) * stepMs);
    this.waiting.set(token, { subject, timer, resolve, reject });
    const fail = (reason: unknown): void => this.taken(token)?.reject(reason);
    try {
      this.connection.publish(subject, body, { reply: `${this.inbox}.${token}`, headers });
    } catch (thrown) {
      fail(thrown);
    }
    return { answer, fail };
  }

  private taken(token: string): Waiting | undefined {
    const waiting = this.waiting.get(token);
    if (waiting === undefined) return undefined;
    clearTimeout(waiting.timer);
    this.waiting.delete(token);
    return waiting;
  }

  private listen(): void {
    this.inbox = createInbox(this.inboxPrefix);
    this.connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error) return this.failAll(error);
        const waiting = this.taken(message.subject.slice(this.inbox.length + 1));
        if (message.data.length === 0 && message.headers?.code === 503) waiting?.reject(new NoRespondersError(waiting.subject));
        else waiting?.resolve(message);
      },
    });
    void this.watch();
  }

  /** What NATS does not let this service ask is told of the connection, not of the question. */
  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type !== 'error') continue;
      const { operation, subject } = status.error as { operation?: string; subject?: string };
      if (operation === 'publish') this.failAll(status.error, subject);
    }
    this.failAll(new Error('the connection to nats is closed'));
  }

  private failAll(reason: unknown, subject?: string): void {
    for (const [token, waiting] of this.waiting)
      if (subject === undefined || waiting.subject === subject) this.taken(token)?.reject(reason);
  }
}
