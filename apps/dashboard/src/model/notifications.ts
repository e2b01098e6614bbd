import type { Channel } from '@signalbox/sdk/client/channels.js';
import type { NotificationRule } from '@signalbox/sdk/client/notification-rules.js';
import type { NotificationStatus } from '@signalbox/sdk/client/notifications.js';
import { lampOf, type Lamp } from './lamps.ts';
import { counted } from './text.ts';

const words: Record<NotificationStatus, readonly [state: string, word: string]> = {
  waiting: ['waiting', 'Waiting'],
  sent: ['done', 'Sent'],
  dead: ['failed', 'Given up'],
};

/** The lamp of a message. */
export function messageLampOf(status: NotificationStatus): Lamp {
  const [state, word] = words[status];
  return { ...lampOf(state), word };
}

/** The lamp of a channel: one whose last message was not taken stands out, as one that is paused. */
export function channelLampOf({ state, lastFailure, lastSentAt }: Pick<Channel, 'state' | 'lastFailure' | 'lastSentAt'>): Lamp {
  if (state === 'paused') return { ...lampOf('failed'), word: 'Paused' };
  if (lastFailure !== null) return { ...lampOf('degraded'), word: 'Failing' };
  return lastSentAt === null ? { ...lampOf('idle'), word: 'Not used yet' } : { ...lampOf('done'), word: 'Well' };
}

/** How the channels stand, in a sentence. */
export function channelsSentence(channels: readonly Channel[]): string {
  const bad = channels.filter(({ state, lastFailure }) => state === 'paused' || lastFailure !== null).length;
  if (channels.length === 0) return 'Nobody is told of anything yet.';
  return `${counted(channels.length, 'channel')}, ${bad === 0 ? 'none of them failing' : `${bad} of them failing`}.`;
}

/** What a rule tells. */
export function tellsOf({ kind, events }: Pick<NotificationRule, 'kind' | 'events'>): string {
  if (kind === 'events') return events.join(', ');
  return kind === 'digest' ? 'A digest' : 'What is to be signed off';
}
