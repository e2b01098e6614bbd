import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { forkLabel, forkRun, type ForkRunReply, type ForkRunRequest } from '@signalbox/shared/contracts/execution/fork-run.js';
import { labelsMax } from '@signalbox/shared/contracts/execution/start-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { keptOf, keysDoneAgain, placedIn, unitsKept } from '@signalbox/workflow/core/fork.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { hasEnded, type RunState } from '@signalbox/workflow/core/state.js';
import { atVersions, checkVersions } from './agent-versions.ts';
import { spanOfRun } from '../telemetry/run-spans.ts';
import { Definitions } from '../workflows/definitions.ts';
import { RunFinder } from './run-finder.ts';
import { RunStarter } from './run-starter.ts';
import { RunStore } from './run.store.ts';

/** What a fork takes over is one row of the journal: more is started anew. */
const keptMax = { units: 20_000, bytes: 16 * 1024 * 1024 };

@Controller()
export class ForkRunHandler {
  constructor(
    private readonly finder: RunFinder,
    private readonly starter: RunStarter,
    private readonly definitions: Definitions,
    private readonly db: WorkspaceDatabase,
    private readonly store: RunStore,
  ) {}

  @Handles(forkRun)
  async handle(@Payload() request: ForkRunRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<ForkRunReply> {
    const { run, from = [], versions = {}, idempotencyKey } = request;
    checkVersions(versions);
    const source = await this.finder.view(caller.workspace, run, ({ state, facts }) => ({
      facts,
      input: state.input,
      priority: state.priority,
      graph: state.graph,
      kept: keptFor(state, from),
      span: spanOfRun(state),
    }));
    const { workflow, labels } = source.facts;
    const recorded = await this.db.inWorkspace(caller.workspace, (tx) => this.definitions.read(tx, caller.workspace, source.graph.hash));
    const definition = atVersions(recorded, versions, keysDoneAgain(source.graph, source.kept));
    const kept = placedIn(this.definitions.compile(definition), source.graph, source.kept);
    const { [forkLabel]: _, ...others } = labels;
    const { view } = await this.starter.start(
      caller,
      {
        workflow,
        definition,
        input: request.input === undefined ? source.input : (request.input as Json),
        labels: { ...Object.fromEntries(Object.entries(others).slice(0, labelsMax - 1)), [forkLabel]: run },
        priority: source.priority,
        idempotencyKey,
        fork: { of: run, from, versions, kept, span: source.span },
      },
      call.life,
    );
    await this.store.resolve(caller.workspace, toUuid(run, 'run'), 'replayed', view.id);
    return view;
  }
}

function keptFor(state: RunState, from: readonly string[]): Transition[] {
  if (!hasEnded(state)) throw new Fault('conflict', 'the run has not ended', 'Wait for its end, or cancel it first.');
  if (state.counterfactual !== undefined)
    throw new Fault(
      'conflict',
      'the run goes by a recorded one, and did not do what it says',
      'Fork the run that its label forked-from names.',
    );
  const ids = from.map((key) => {
    const steps = state.graph.steps.filter(({ part }) => part !== 'undo');
    const step = steps.find((each) => each.key === key);
    if (step) return step.id;
    const known = steps.slice(0, 20).map((each) => each.key);
    throw new Fault('invalid', `the workflow of this run has no step ${key}; its steps are ${known.join(', ')}`, 'Name one of its steps.', {
      errors: [{ pointer: '/from', detail: `has no step ${key}` }],
    });
  });
  const kept = keptOf(state, ids);
  if (unitsKept(kept) <= keptMax.units && state.bytes <= keptMax.bytes) return kept;
  throw new Fault(
    'limited',
    `a fork takes over at most ${keptMax.units} steps and items and ${keptMax.bytes} bytes of outputs`,
    'Fork from an earlier step, or start the workflow anew.',
  );
}
