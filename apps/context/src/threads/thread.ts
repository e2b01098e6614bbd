import { messageContentMaxBytes, type MessageRole } from '@signalbox/shared/contracts/context/thread.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

const labelsMax = 32;

export interface StoredThread {
  id: string;
  title: string | null;
  labels: Record<string, string>;
  messages: number;
  createdAt: Date;
  createdBy: string;
  updatedAt: Date;
}

/** What a message is told to be, its content encoded and its run as a UUID. */
export interface MessageIntent {
  role: MessageRole;
  content: string;
  name: string | null;
  run: string | null;
  idempotencyKey: string | null;
}

export interface StoredMessage extends Omit<MessageIntent, 'content' | 'idempotencyKey'> {
  id: string;
  seq: number;
  content: unknown;
  createdAt: Date;
  createdBy: string;
}

/** The content as JSON text. `invalid` when it is larger than a message may be. */
export function encodeContent(content: unknown): string {
  const text = JSON.stringify(content ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes > messageContentMaxBytes) {
    throw new Fault(
      'invalid',
      `the message has ${bytes} bytes, at most ${messageContentMaxBytes} are allowed`,
      'Keep it as an artifact and send its id.',
      {
        status: 413,
        errors: [{ pointer: '/content', detail: `must have at most ${messageContentMaxBytes} bytes as JSON` }],
      },
    );
  }
  return text;
}

/** `invalid` when labels are too many or too long. */
export function checkLabels(labels: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(labels);
  const isFine =
    entries.length <= labelsMax &&
    entries.every(([name, value]) => name.length > 0 && name.length <= 63 && typeof value === 'string' && value.length <= 255);
  if (isFine) return labels as Record<string, string>;
  throw new Fault('invalid', `at most ${labelsMax} labels, names of 63 and text values of 255 characters`, 'Use fewer or shorter labels.', {
    errors: [{ pointer: '/labels', detail: 'has too many or too long entries' }],
  });
}

/** Whether a stored message is what a repeated request asks for. */
export function isSameMessage(stored: StoredMessage, intent: MessageIntent): boolean {
  return (
    stored.role === intent.role &&
    stored.name === intent.name &&
    stored.run === intent.run &&
    JSON.stringify(stored.content) === JSON.stringify(JSON.parse(intent.content))
  );
}
