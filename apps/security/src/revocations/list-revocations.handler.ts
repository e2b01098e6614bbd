import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { decodeCursor, encodeCursor } from '@signalbox/shared/bus/page.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listRevocations,
  ListRevocationsRequest,
  type ListRevocationsReply,
} from '@signalbox/shared/contracts/security/list-revocations.js';
import { identityLifetimeMs } from '@signalbox/shared/identity/verifier.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { Revocations } from './revocations.ts';

/** A transaction that began before the last reply may have been committed after it: no transaction here lasts longer. */
const overlapMs = 35_000;
/** What was revoked before cannot be in anybody's memory any more. */
const rememberedMs = 2 * identityLifetimeMs;

@Controller()
export class ListRevocationsHandler {
  constructor(private readonly revocations: Revocations) {}

  @Handles(listRevocations)
  async handle(@Payload() { cursor }: ListRevocationsRequest): Promise<ListRevocationsReply> {
    const at = now();
    const since = cursor === undefined ? 0 : Number(decodeCursor(cursor, 1)[0]) || 0;
    const data = await this.revocations.since(Math.max(since, at - rememberedMs));
    return { data: data.map(({ id, at: when }) => ({ id, at: when })), cursor: encodeCursor([at - overlapMs]) };
  }
}
