import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { decodePosition, encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { compareRuns, type CompareRunsReply, type CompareRunsRequest } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Comparison } from './comparison.ts';
import { differencesOf } from './difference.ts';
import { unknownRun } from './run-finder.ts';
import { RunStore } from './run.store.ts';
import { runView } from './run-view.ts';

@Controller()
export class CompareRunsHandler {
  constructor(private readonly store: RunStore) {}

  @Handles(compareRuns)
  async handle(
    @Payload() { run, other, limit = pageLimitDefault, cursor }: CompareRunsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<CompareRunsReply> {
    const from = cursor === undefined ? 0 : Math.max(0, decodePosition(cursor));
    const [a, b] = await Promise.all([this.read(workspace, run), this.read(workspace, other)]);
    const comparison = new Comparison(a.side, b.side);
    const keys = comparison.keys;
    return {
      a: runView(a.side.state, a.facts, false),
      b: runView(b.side.state, b.facts, false),
      isSameDefinition: a.side.state.graph.hash === b.side.state.graph.hash,
      input: differencesOf(a.side.state.input, b.side.state.input),
      output: differencesOf(a.side.state.output, b.side.state.output),
      steps: keys.slice(from, from + limit).map((key) => comparison.step(key)),
      nextCursor: keys.length > from + limit ? encodeCursor([from + limit]) : null,
    };
  }

  private async read(
    workspace: string,
    run: string,
  ): Promise<{ side: ConstructorParameters<typeof Comparison>[0]; facts: Parameters<typeof runView>[1] }> {
    const recorded = await this.store.recorded(workspace, toUuid(run, 'run'));
    if (!recorded) throw unknownRun(run);
    return { side: { state: recorded.state(), transitions: recorded.transitions }, facts: recorded.facts };
  }
}
