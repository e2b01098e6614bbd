import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import {
  listKeptLimits,
  type ListKeptLimitsReply,
  type ListKeptLimitsRequest,
} from '@signalbox/shared/contracts/execution/list-kept-limits.js';
import { listLimits, type ListLimitsReply, type ListLimitsRequest } from '@signalbox/shared/contracts/execution/list-limits.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { compare, KeptLimits, placeOf } from './kept-limits.ts';

@Controller()
export class ListLimitsHandler {
  constructor(
    private readonly kept: KeptLimits,
    private readonly engine: Engine,
    private readonly bus: Bus,
  ) {}

  /** Each replica keeps some: all of them are asked. */
  @Handles(listLimits)
  async handle(@Payload() request: ListLimitsRequest, @FromCaller() { workspace }: Caller): Promise<ListLimitsReply> {
    const { limit = pageLimitDefault, cursor, ...filter } = request;
    const asked: ListKeptLimitsRequest = {
      workspace,
      ...filter,
      ...(cursor !== undefined && { after: decodeCursor(cursor, 3) }),
      limit: limit + 1,
    };
    const others = await Promise.all(this.engine.peers.map((shard) => this.ask(shard, asked)));
    const answers = [this.kept.list(asked), ...others.flatMap((answer) => answer ?? [])];
    const found = answers.flatMap(({ limits }) => limits).sort((a, b) => compare(placeOf(a), placeOf(b)));
    const calls = answers.map((answer) => answer.calls);
    const sum = (of: (share: ListKeptLimitsReply['calls']) => number): number => calls.reduce((total, share) => total + of(share), 0);
    return {
      ...pageOf(found, limit, placeOf, (each) => each),
      calls: { places: sum(({ places }) => places), most: sum(({ most }) => most), running: sum(({ running }) => running) },
      missing: others.filter((answer) => answer === undefined).length,
    };
  }

  private async ask(shard: number, request: ListKeptLimitsRequest): Promise<ListKeptLimitsReply | undefined> {
    try {
      return await this.bus.request(listKeptLimits, request, 'service', { shard });
    } catch (thrown) {
      const { code } = Fault.from(thrown);
      if (code === 'unavailable' || code === 'timeout') return undefined;
      throw thrown;
    }
  }
}
