import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  answerApproval,
  type AnswerApprovalReply,
  type AnswerApprovalRequest,
} from '@signalbox/shared/contracts/execution/answer-approval.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { answerersNow, approvalStatus, objectionTo, policyOf } from '@signalbox/workflow/core/approval.js';
import { verdictOn } from '@signalbox/workflow/core/asking.js';
import type { RunEvent } from '@signalbox/workflow/core/events.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { unitOf, type UnitState } from '@signalbox/workflow/core/state.js';
import type { FoundRun } from '../runs/run-finder.ts';
import { Engine } from '../shards/engine.ts';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';
import { ApprovalFinder } from './approval-finder.ts';
import { approvalDetail, type ApprovalPlace } from './approval-view.ts';

type Answer = RunEvent & { type: 'answer' };

@Controller()
export class AnswerApprovalHandler {
  constructor(
    private readonly engine: Engine,
    private readonly finder: ApprovalFinder,
  ) {}

  @Handles(answerApproval)
  async handle(@Payload() request: AnswerApprovalRequest, @FromCaller() caller: Caller): Promise<AnswerApprovalReply> {
    const { approval, approved, data = null, comment } = request;
    const said = { approved, data: data as Json, comment: comment?.trim() ? comment.trim() : null };
    const { uuid, answer, isKnown } = await this.view(caller, approval, (place, found) => {
      const event = answerOf(place, found, said, caller);
      return { uuid: found.state.run, answer: event, isKnown: requireAnswerable(place, found, event) };
    });
    if (!isKnown) {
      const outcome = await this.engine.deliver(uuid, answer);
      // In between it was answered by another, was ended, or has another owner: that says why.
      const isTaken =
        outcome === 'taken' ||
        outcome === 'known' ||
        (await this.view(caller, approval, (place, found) => requireAnswerable(place, found, answer)));
      if (!isTaken) {
        throw new Fault('unavailable', 'nobody answers for the run at the moment', 'Try again in a moment.', {
          service: 'execution',
          retryAfterMs: 500,
        });
      }
    }
    return this.view(caller, approval, (place, { state, facts }) => approvalDetail(state, place, facts, caller));
  }

  private view<T>({ workspace }: Caller, approval: string, view: (place: ApprovalPlace, found: FoundRun) => T): Promise<T> {
    return this.finder.view(workspace, approval, view);
  }
}

function answerOf(
  { s, i }: ApprovalPlace,
  { facts, state }: FoundRun,
  said: Pick<Answer, 'approved' | 'data' | 'comment'>,
  caller: Caller,
): Answer {
  const { principal: id, name, roles } = caller;
  return {
    type: 'answer',
    s,
    i,
    n: unitOf(state, s, i)?.attempt ?? 1,
    by: { id, name, roles, isStarter: facts.principal === id },
    ...said,
  };
}

/** Whether this very answer is recorded. Throws why it cannot be given. */
function requireAnswerable({ s, i, approval }: ApprovalPlace, { state }: FoundRun, answer: Answer): boolean {
  const policy = policyOf(state.graph.steps[s] as GraphStep, unitOf(state, s, i));
  switch (verdictOn(state, answer, now())) {
    case 'known':
      return true;
    case 'answered': {
      const { approved, by, at } = approval.answer as NonNullable<typeof approval.answer>;
      const what = `${approved ? 'approved' : 'rejected'} by ${by?.name ?? 'its deadline'} at ${new Date(at).toISOString()}`;
      throw new Fault('conflict', `it was ${what}`, 'An answer stands; fork the run to ask again.');
    }
    case 'closed': {
      const isOpen = approvalStatus(unitOf(state, s, i) as UnitState) === 'open';
      const why = isOpen ? 'its deadline has passed' : 'it ended without an answer';
      throw new Fault('conflict', `nobody asks any more: ${why}`, 'Look at its run.');
    }
    case 'forbidden': {
      const isExcluded = policy.notBy === 'starter' && answer.by.isStarter;
      const why = objectionTo(answer.by, answerersNow(approval), isExcluded) ?? 'you may not answer it';
      throw new Fault('forbidden', why, 'Ask one of them, or have the workflow name you.');
    }
    case 'take':
  }
  if (policy.form === undefined && answer.data !== null) {
    throw new Fault('invalid', 'this approval has no form', 'Leave the data out; say what you want to say as the comment.', {
      errors: [{ pointer: '/data', detail: 'must be absent' }],
    });
  }
  // Who rejects need not fill in what only an approval needs, and who raises a budget need not say by how much.
  if ((answer.approved && approval.raise === undefined) || answer.data !== null) checkInput(policy.form, answer.data, 'data');
  return false;
}
