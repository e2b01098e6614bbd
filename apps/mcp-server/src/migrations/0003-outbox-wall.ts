import { outboxWallDown, outboxWallUp } from '@signalbox/shared/outbox/outbox.sql.js';

export const up: string[] = outboxWallUp;

export const down: string[] = outboxWallDown;
