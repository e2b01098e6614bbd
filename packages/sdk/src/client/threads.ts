import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Labels } from './schema.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

/** A conversation. */
export interface Thread {
  id: string;
  title: string | null;
  labels: Labels;
  messages: number;
  createdAt: string;
  createdBy: string;
  /** Of the thread or its newest message. */
  updatedAt: string;
}

export type MessageRole = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

/** One entry of a conversation; it never changes. */
export interface Message {
  id: string;
  thread: string;
  /** Its place: 1, 2, 3, … without gaps. */
  seq: number;
  role: MessageRole;
  /** Text, or parts as the OpenAI API has them. */
  content: unknown;
  /** The agent or person that speaks, where that is not the principal. */
  name: string | null;
  run: string | null;
  createdAt: string;
  createdBy: string;
}

export interface MessageQuery extends ListQuery {
  /** `asc` (default): the first message first. */
  order?: 'asc' | 'desc' | undefined;
}

/** `/threads`: conversations. */
export class Threads {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Thread> {
    return new Pages(this.#http, '/threads', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<Thread> {
    return this.#http.json({ method: 'GET', path: path`/threads/${id}`, ...options });
  }

  create(thread: { title?: string | undefined; labels?: Labels | undefined } = {}, options: CreateOptions = {}): Promise<Thread> {
    return this.#http.json({ method: 'POST', path: '/threads', body: thread, creates: true, ...options });
  }

  remove(id: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/threads/${id}`, ...options });
  }

  messages(id: string, query: MessageQuery = {}, options: RequestOptions = {}): Pages<Message> {
    return new Pages(this.#http, path`/threads/${id}/messages`, query, options);
  }

  /** Adds a message at the end. */
  append(
    id: string,
    message: { role: MessageRole; content: unknown; name?: string | undefined; run?: string | undefined },
    options: CreateOptions = {},
  ): Promise<Message> {
    return this.#http.json({ method: 'POST', path: path`/threads/${id}/messages`, body: message, creates: true, ...options });
  }
}
