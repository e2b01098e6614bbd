import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { whyQueued } from '@signalbox/shared/contracts/execution/why-queued.js';
import { whyRun, type Cause, type WhyRunReply, type WhyRunRequest } from '@signalbox/shared/contracts/execution/why-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { QueueCause } from '../dispatch/queue-cause.ts';
import { Causes, type CauseChain } from './cause.ts';
import { RunFinder, type FoundRun } from './run-finder.ts';
import { placeOf, unknownStep } from './step-place.ts';

@Controller()
export class WhyRunHandler {
  constructor(
    private readonly finder: RunFinder,
    private readonly bus: Bus,
  ) {}

  @Handles(whyRun)
  async handle(@Payload() { run, key }: WhyRunRequest, @FromCaller() caller: Caller): Promise<WhyRunReply> {
    const { workspace } = caller;
    const answers = await this.ask(await this.finder.view(workspace, run, (found) => new Causes(found).elsewhere()));
    const { first, open } = await this.finder.view(workspace, run, (found) => {
      const causes = new Causes(withAnswers(found, answers));
      if (key === undefined) return { first: causes.ofRun(), open: causes.counts() };
      const place = placeOf(found.state, key);
      if (!place) throw unknownStep(key);
      return { first: causes.ofStep(place), open: causes.counts() };
    });
    return { run, step: key ?? null, chain: await this.withChild(first, caller), open };
  }

  /** What the owners of other queues say, by what tasks with the same answer share. */
  private async ask(places: readonly NonNullable<QueueCause['elsewhere']>[]): Promise<Map<string, QueueCause>> {
    const answers = new Map<string, QueueCause>();
    const askOne = async ({ shard, task, alike, limit }: NonNullable<QueueCause['elsewhere']>): Promise<void> => {
      try {
        const { holders, ...cause } = await this.bus.request(whyQueued, { task, ...(limit !== undefined && { limit }) }, 'service', {
          shard,
        });
        answers.set(alike, { ...cause, holders: () => holders });
      } catch (thrown) {
        const { code } = Fault.from(thrown);
        if (code === 'not_found') return; // it has not heard of the task yet, or gives it out now
        if (code !== 'unavailable' && code !== 'timeout') throw thrown;
        const because = 'no replica answers for its queue: it is being taken over';
        const next = 'Wait a few seconds; if that lasts, look at the services.';
        answers.set(alike, { kind: 'owner', on: `task:${task}`, because, next, holders: () => [] });
      }
    };
    await Promise.all(places.map(askOne));
    return answers;
  }

  /** Goes on in the child run that the chain leads to: its owner may be another replica. */
  private async withChild({ chain, child }: CauseChain, caller: Caller): Promise<Cause[]> {
    if (child === undefined) return chain;
    try {
      const below = await this.bus.request(whyRun, { run: fromUuid('run', child) }, caller);
      return [...chain, ...below.chain];
    } catch (thrown) {
      // Its id stands in the journal of the parent before the child's own start does.
      if (Fault.from(thrown).code === 'not_found') return chain;
      throw thrown;
    }
  }
}

function withAnswers(found: FoundRun, answers: ReadonlyMap<string, QueueCause>): FoundRun {
  if (answers.size === 0) return found;
  const why: FoundRun['why'] = (ref) => {
    const cause = found.why(ref);
    return cause?.elsewhere === undefined ? cause : (answers.get(cause.elsewhere.alike) ?? cause);
  };
  const entrance = found.whyEntering();
  const isElsewhere = entrance?.elsewhere !== undefined;
  const whyEntering: FoundRun['whyEntering'] = () => (isElsewhere ? (answers.get(entrance.elsewhere?.alike ?? '') ?? entrance) : entrance);
  return { ...found, why, whyEntering };
}
