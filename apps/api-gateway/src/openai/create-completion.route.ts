import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { endedRunStatuses, type RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { IdempotencyKey } from '../platform/idempotency-key.ts';
import { OpenStreams } from '../platform/open-streams.ts';
import { whileConnected } from '../platform/while-connected.ts';
import { parseChatRequest, type ChatRequest } from './chat-request.ts';
import { answerOf, ChatRuns } from './chat-run.ts';
import { ChunkStream } from './chunk-stream.ts';
import { chunkOf, completionOf, headOf, usageChunkOf } from './completion.ts';
import { DeltaFeed } from './delta-feed.ts';
import { openAiError } from './openai-error.ts';
import { SpokenText } from './spoken-text.ts';

/** `POST /v1/chat/completions`: an agent answers a conversation, at once or as it speaks. */
@Controller('v1/chat/completions')
export class CreateCompletionRoute {
  constructor(
    private readonly runs: ChatRuns,
    private readonly deltas: DeltaFeed,
    private readonly streams: OpenStreams,
  ) {}

  @Post()
  @HttpCode(200)
  async handle(
    @Body() body: unknown,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const chat = parseChatRequest(body);
    const signal = whileConnected(reply.raw);
    if (chat.isStreamed) await this.stream(chat, idempotencyKey, caller, signal, reply);
    else {
      const run = await this.runs.start(chat, idempotencyKey, caller);
      const ended = await this.runs.ended(run, caller, signal);
      const content = this.answer(ended, reply);
      await reply.send(completionOf(headOf(run, chat.model), content, ended));
    }
  }

  private async stream(
    chat: ChatRequest,
    idempotencyKey: string | undefined,
    caller: Caller,
    signal: AbortSignal,
    reply: FastifyReply,
  ): Promise<void> {
    this.streams.admit(caller);
    const ear = await this.deltas.open();
    const stream = new ChunkStream(reply);
    this.streams.add(caller, stream);
    try {
      const run = await this.runs.start(chat, idempotencyKey, caller);
      const head = headOf(run, chat.model);
      const spoken = new SpokenText();
      let hasRole = false;
      const say = (content: string): void => {
        if (!hasRole) stream.send(chunkOf(head, { role: 'assistant', content: '', refusal: null }));
        hasRole = true;
        if (content !== '') stream.send(chunkOf(head, { content }));
      };
      // A run that was there before, by its idempotency key, says nothing anew.
      if (!endedRunStatuses.includes(run.status)) {
        ear.turnTo(run.id, (delta) => {
          const said = spoken.hear(delta);
          if (said !== '') say(said);
        });
      }
      const ended = await this.runs.ended(run, caller, signal);
      say(spoken.end(this.answer(ended, reply)));
      stream.send(chunkOf(head, {}, 'stop'));
      if (chat.includeUsage) stream.send(usageChunkOf(head, ended));
      stream.send('[DONE]');
      stream.close();
    } catch (thrown) {
      this.fail(thrown, stream);
    } finally {
      ear.close();
    }
  }

  /** What the run answered. A run that failed is not worth asking for again: it was tried as often as its policy allows. */
  private answer(ended: RunView, reply: FastifyReply): string {
    try {
      return answerOf(ended);
    } catch (thrown) {
      void reply.header('x-should-retry', 'false');
      throw thrown;
    }
  }

  /** After the first byte an error can only be the last thing that is said. */
  private fail(thrown: unknown, stream: ChunkStream): void {
    if (!stream.hasBegun) {
      stream.abandon();
      throw thrown;
    }
    const fault = Fault.from(thrown);
    if (fault.code === 'internal') log.error('a completion failed', { err: thrown });
    stream.send(openAiError(fault));
    stream.close();
  }
}
