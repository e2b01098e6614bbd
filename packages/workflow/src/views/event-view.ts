import type { RunEventType, RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import type { Transition } from '../core/events.ts';
import type { Graph } from '../core/graph.ts';
import { enteringReason } from '../core/limits.ts';
import { nameOf } from '../core/spending.ts';
import { cut } from './cut.ts';
import { failureView } from './failure-view.ts';

/** An output in an event is cut to this: followers of wide maps get thousands of them. */
const outputMaxBytes = 4_096;

/** What a transition is to people who follow the run; undefined for what only the engine needs. */
export function eventOf(run: string, graph: Graph, seq: number, transition: Transition): RunEventView | undefined {
  const base = { seq, at: new Date(transition.at).toISOString(), run };
  const of = (type: RunEventType): RunEventView => ({ ...base, type });
  switch (transition.t) {
    case 'started':
      return { ...of('run.started'), ...(transition.claims && { message: enteringReason(transition) }) };
    case 'admitted':
      return of('run.admitted');
    case 'taken':
    case 'rested':
    case 'joined':
    case 'grew':
    case 'more':
    case 'told':
    case 'logged':
    case 'granted':
    case 'ending':
      return undefined;
    case 'entered':
      return { ...of('run.ending'), message: transition.stage === 'undo' ? 'what was done is undone' : 'the steps of finally run' };
    case 'stopped':
      return { ...of('step.failed'), step: graph.steps[transition.s]?.key ?? '', message: 'too many of its items have failed' };
    case 'ended': {
      const error = transition.error && { error: failureView(transition.error) };
      const message = transition.reason === null ? undefined : { message: transition.reason };
      const output = transition.output === undefined ? undefined : { output: cut(transition.output, outputMaxBytes) };
      return { ...of(`run.${transition.status}`), ...error, ...message, ...output };
    }
    case 'quarantined':
      return { ...of('run.quarantined'), message: transition.because };
    case 'released':
      return { ...of('run.released'), message: `by ${transition.by}` };
    case 'upgraded':
      return { ...of('run.upgraded'), message: `by ${transition.by}, to the definition ${transition.to.slice(0, 15)}` };
    case 'signalled':
      return { ...of('run.signalled'), message: transition.name };
    case 'skipped':
      if (graph.steps[transition.s]?.part === 'undo') return undefined; // there was nothing to undo
      return { ...of('step.skipped'), step: graph.steps[transition.s]?.key ?? '' };
    case 'fanned':
      return { ...of('step.queued'), step: graph.steps[transition.s]?.key ?? '', message: `${transition.count} items` };
    default:
  }
  const step = graph.steps[transition.s];
  const key = step?.key ?? '';
  const { t } = transition;
  // Of a step that other agents take over, only these say whose turn it is.
  const own = step?.failover === undefined ? step?.target : undefined;
  const agent = (t === 'queued' || t === 'began' || t === 'moved' ? transition.agent : undefined) ?? own ?? '';
  const place = {
    step: transition.i < 0 ? key : `${key}[${transition.i}]`,
    attempt: transition.n,
    ...(step?.kind === 'agent' && agent !== '' && { agent }),
  };
  switch (transition.t) {
    case 'queued':
      return { ...of('step.queued'), ...place };
    case 'short':
      return { ...of('step.waiting'), ...place, message: `for the budget of ${nameOf(transition.of, key)}` };
    case 'child':
      return { ...of('step.started'), ...place, message: 'a child run does this step' };
    case 'waits':
      return { ...of('step.waiting'), ...place, message: waitText(transition) };
    case 'asks':
      return {
        ...of('step.waiting'),
        ...place,
        message: `for ${transition.ask.raise === undefined ? 'an approval' : 'more of its budget'}${untilText(transition.ask.deadline, ', until ')}`,
      };
    case 'escalated':
      return { ...of('step.escalated'), ...place, message: `level ${transition.level}` };
    case 'reminded':
      return { ...of('step.reminded'), ...place, message: `reminder ${transition.count}` };
    case 'answered': {
      const { by, approved, comment } = transition;
      const what = `${approved ? 'approved' : 'rejected'} by ${by?.name ?? 'the deadline'}`;
      return { ...of('step.answered'), ...place, message: comment === null ? what : `${what}: ${comment}` };
    }
    case 'crashed':
      return { ...of('step.waiting'), ...place, error: failureView(transition.error), message: 'until a person says what follows' };
    case 'resolved':
      return { ...of('step.resolved'), ...place, message: `${transition.how}, by ${transition.by}` };
    case 'began':
      return {
        ...of('step.started'),
        ...place,
        instance: transition.instance,
        ...(transition.version !== undefined && { message: `by version ${transition.version}` }),
      };
    case 'succeeded':
      return { ...of('step.succeeded'), ...place, output: cut(transition.output, outputMaxBytes) };
    case 'degraded': {
      const { error, output } = transition;
      const how = output === undefined ? 'it is skipped, as its step says' : 'what its step declares stands in';
      return {
        ...of('step.degraded'),
        ...place,
        error: failureView(error),
        message: how,
        ...(output !== undefined && { output: cut(output, outputMaxBytes) }),
      };
    }
    case 'failed':
      return { ...of('step.failed'), ...place, error: failureView(transition.error) };
    case 'seeking':
      return { ...of('step.retrying'), ...place, error: failureView(transition.error), message: 'another agent is looked for' };
    case 'moved':
      return { ...of('step.moved'), ...place, message: `${transition.agent} takes over` };
    case 'retrying': {
      const waitMs = Math.max(0, transition.due - transition.at);
      const message = transition.agent === undefined ? `again in ${waitMs} ms` : `${transition.agent} takes over`;
      return { ...of('step.retrying'), ...place, error: failureView(transition.error), message };
    }
  }
}

/** What a wait waits for, as people read it. */
function waitText({ due, signal }: { due?: number; signal?: string }): string {
  return signal === undefined ? untilText(due, 'until ') : `for the signal ${signal}${untilText(due, ', until ')}`;
}

function untilText(due: number | undefined, before: string): string {
  return due === undefined ? '' : `${before}${new Date(due).toISOString()}`;
}
