import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { parseJson } from '@signalbox/shared/bus/json.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  hookMaxBytes,
  receiveHook,
  type ReceiveHookReply,
  type ReceiveHookRequest,
} from '@signalbox/shared/contracts/execution/receive-hook.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { createHash } from 'node:crypto';
import type { Json } from '@signalbox/workflow/core/json.js';
import { Ignition } from '../schedules/ignition.ts';
import { isSigned } from './signature.ts';
import { TriggerStore, type StoredTrigger } from './trigger.store.ts';
import { ratePerMinuteDefault, Triggers } from './triggers.ts';

/** Members of all objects in one body. */
const membersMax = 40_000;

@Controller()
export class ReceiveHookHandler {
  constructor(
    private readonly store: TriggerStore,
    private readonly triggers: Triggers,
    private readonly ignition: Ignition,
    private readonly secrets: SecretReader,
  ) {}

  @Handles(receiveHook)
  async handle(@Payload() { hook, body: base64, signature, delivery = '', event }: ReceiveHookRequest): Promise<ReceiveHookReply> {
    const stored = await this.store.findHook(toUuid(hook, 'hook'));
    const webhook = stored?.manifest.spec.on.webhook;
    if (!stored || !webhook) throw unsigned();
    const body = Buffer.from(base64, 'base64');
    const secret = await this.secretOf(stored, webhook.secret);
    if (!isSigned(webhook.signature ?? 'signalbox', secret, { body, signature, delivery }, now())) throw unsigned();
    if (stored.view.state === 'paused') {
      throw new Fault('conflict', 'the trigger of this hook is paused', 'Send it again when it is resumed.');
    }
    // Without a name of its own a delivery is what was signed; with `signalbox` the time is in it.
    const key =
      delivery === ''
        ? createHash('sha256')
            .update(signature as string)
            .digest('hex')
        : delivery;
    const { ratePerMinute = ratePerMinuteDefault } = webhook;
    if (await this.triggers.isBusy(stored, key, ratePerMinute)) {
      throw new Fault('limited', `more than ${ratePerMinute} calls in a minute`, 'Wait, then send it again.', { retryAfterMs: 15_000 });
    }
    const content = body.length === 0 ? null : (parseJson(body, hookMaxBytes, membersMax) as Json);
    const facts = { body: content, type: event ?? null, delivery: delivery || null, receivedAt: new Date(now()).toISOString() };
    const { outcome, reason, run } = await this.triggers.fire(stored, key, facts);
    return { outcome, reason: reason ?? null, run: run === undefined ? null : fromUuid('run', run) };
  }

  /** The secret, read as who applied the trigger. Where that one may not any more, the history says so: whoever calls is nobody known yet. */
  private async secretOf({ source }: StoredTrigger, text: string): Promise<string> {
    try {
      return await this.secrets.fill(await this.ignition.callerOf(source), text);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code !== 'forbidden' && fault.code !== 'invalid') throw thrown;
      // One line, however often somebody knocks.
      await this.triggers.keep(source, {
        key: 'secret',
        time: now(),
        outcome: 'failed',
        reason: `a call was refused: ${fault.detail}. ${fault.next}`,
      });
      throw unsigned(thrown);
    }
  }
}

/** One answer for a hook that is not there and a signature that is wrong: nobody learns which. */
function unsigned(cause?: unknown): Fault {
  return new Fault(
    'unauthenticated',
    'there is no such hook, or what was sent is not signed with its secret',
    'Check the address, the secret, the way of signing and the clock.',
    { cause },
  );
}
