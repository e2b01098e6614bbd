import type { Message, Thread } from '@signalbox/shared/contracts/context/thread.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { StoredMessage, StoredThread } from './thread.ts';

/** A conversation as contracts have it. */
export function threadView({ id, title, labels, messages, createdAt, createdBy, updatedAt }: StoredThread): Thread {
  return {
    id: fromUuid('thread', id),
    title,
    labels,
    messages,
    createdAt: createdAt.toISOString(),
    createdBy,
    updatedAt: updatedAt.toISOString(),
  };
}

/** A message as contracts have it. */
export function messageView(thread: string, { id, seq, role, content, name, run, createdAt, createdBy }: StoredMessage): Message {
  return {
    id: fromUuid('message', id),
    thread: fromUuid('thread', thread),
    seq,
    role,
    content,
    name,
    run: run === null ? null : fromUuid('run', run),
    createdAt: createdAt.toISOString(),
    createdBy,
  };
}
