import type { Answer, Answerer, Ask } from './approval.ts';
import type { LogLine } from './attempt-log.ts';
import type { GivenBudget, Holds, Limits, MoreBudget, Spend } from './budget.ts';
import type { Recorded } from './counterfactual.ts';
import type { Graph } from './graph.ts';
import type { Json } from './json.ts';
import type { LimitClaim, LimitKey } from './limits.ts';
import type { Grown } from './llm.ts';
import type { RepeatEnd } from './repeat.ts';
import type { Shortage } from './spending.ts';

/** Why something failed: a code of the one taxonomy, what happened, and what to do next. */
export interface Failure {
  code: string;
  detail: string;
  next?: string;
  /** The failing side asks not to be tried again before. */
  retryAfterMs?: number;
  /** The same would meet a bound again: no policy lets it be tried again, here or in a parent. */
  isFinal?: true;
}

/** What a task used: tokens and money, as its executor reports them. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
}

/** The workflow that was asked for, where capacity was short and its smaller one ran; and why. */
export interface InsteadOf {
  workflow: string;
  because: string;
}

/** Names one attempt: the step's id, the item's index (-1: the step has none), the attempt's number from 1. */
export interface AttemptRef {
  s: number;
  i: number;
  n: number;
}

/** What can happen to a run. */
export type RunEvent =
  | {
      type: 'start';
      input: Json;
      depth: number;
      timeoutMs?: number;
      /** From 1 (goes first) to 5; absent: as its steps and its workflow say. */
      priority?: number;
      parent?: { run: string; s: number; i: number };
      /** In which epoch of its shard: an owner of an earlier one has no business with it. */
      epoch?: number;
      /** What another run did of this workflow, and this one need not do again: see `keptOf`. */
      kept?: readonly Transition[];
      /** What it goes by, as a run that is done again with a version of an agent. */
      recorded?: Recorded;
      /** W3C `traceparent`s, where traces are recorded: of what started it, below which its trace goes on, and of another trace's span that led to it. */
      trace?: string;
      link?: string;
      /** The part of its parent's budget that it has, and budgets above it. */
      budget?: GivenBudget;
      /** Places of limits that it needs before anything of it begins, and limits that runs above it have places of: see `runClaimsOf`. */
      claims?: LimitClaim[];
      within?: LimitKey[];
      insteadOf?: InsteadOf;
    }
  /** It has all its places. */
  | { type: 'admitted' }
  | { type: 'taken'; epoch: number }
  /** Its owner lets go of it until something is due or said to it. */
  | { type: 'rest' }
  /** A person's word on a run that was set aside: it goes on, or it has failed, and nothing follows. */
  | { type: 'release'; by: string }
  | { type: 'abandon'; by: string }
  /** `at`: when its executor was let begin, where that is heard of later; `version`: of the agent, where a rollout chose one. */
  | ({ type: 'accepted'; instance: string; at?: number; version?: number } & AttemptRef)
  | ({ type: 'completed'; output?: Json; error?: Failure; usage?: Usage } & AttemptRef)
  | ({ type: 'lost'; error: Failure } & AttemptRef)
  /** What an executor says of its work, recorded for whoever may have to go on with it: see `Told`. */
  | ({ type: 'told'; message: string; fraction?: number; partial?: Json } & AttemptRef)
  /** Another agent is to go on: the answer to `seek`, none where there is none; or of an attempt that nobody could begin, with what kept it. */
  | ({ type: 'moved'; agent?: string; error?: Failure } & AttemptRef)
  /** Nobody could begin an attempt for as long as its step waits, with what kept it: see `UnavailablePolicy`. */
  | ({ type: 'stranded'; error: Failure } & AttemptRef)
  /** `start` is the word of who handed the attempt over: it was not accepted in time. */
  | ({ type: 'due'; timer: 'wake' | 'attempt' | 'queue' | 'start' | 'total' } & AttemptRef)
  | { type: 'due'; timer: 'run' }
  /** `spent`: of the part of the budget that it was given. */
  | { type: 'childEnded'; s: number; i: number; child: string; output?: Json; error?: Failure; spent?: Spend }
  /** A budget above the run gives it so much more. */
  | { type: 'granted'; scope: string; more: Limits }
  /** It gives no more. */
  | { type: 'denied'; scope: string; error: Failure }
  /** `id`: what the sender knows it by; the same one twice is one signal. `hash`: of what it says. */
  | { type: 'signal'; id: string; hash: string; name: string; data: Json }
  | ({ type: 'answer'; by: Answerer; approved: boolean; data: Json; comment: string | null } & AttemptRef)
  /** A person's word on a unit whose executor was lost. `id`: what the sender knows it by. */
  | { type: 'resolve'; id: string; by: string; s: number; i: number; how: 'retry' | 'fail' }
  | { type: 'resolve'; id: string; by: string; s: number; i: number; how: 'output'; output: Json }
  /** The run is to go on by another definition of its workflow. */
  | { type: 'upgrade'; by: string; graph: Graph; budget?: MoreBudget }
  /** With another `id` than the cancel that ended the main graph, it ends the steps of `finally` too; without one it never does. */
  | { type: 'cancel'; by: string; id?: string };

/** What happened, as the journal keeps it. `applyTransition` alone rebuilds a run from these; no expression is computed again. */
export type Transition =
  | {
      t: 'started';
      at: number;
      input: Json;
      depth: number;
      timeoutMs: number;
      priority?: number;
      parent?: { run: string; s: number; i: number };
      trace?: string;
      link?: string;
      epoch?: number;
      budget?: GivenBudget;
      claims?: LimitClaim[];
      within?: LimitKey[];
      recorded?: Recorded;
      insteadOf?: InsteadOf;
    }
  /** It has all places that it needs: now it begins. */
  | { t: 'admitted'; at: number }
  | { t: 'taken'; at: number; epoch: number }
  /** Nobody has it in memory from here on. */
  | { t: 'rested'; at: number }
  /** It ended its owners again and again: nobody handles it before a person has said what follows. Its epoch fences whoever had it. */
  | { t: 'quarantined'; at: number; epoch: number; because: string }
  | { t: 'released'; at: number; by: string }
  | { t: 'skipped'; at: number; s: number }
  /** `needs`: of each item those that must have ended before it. */
  | { t: 'fanned'; at: number; s: number; count: number; needs?: number[][] }
  /** Another turn of a step that is done in turns, or more items of one that streams from it. */
  | { t: 'more'; at: number; s: number; count: number }
  /** More units of an `llm` step; the first time it has begun. */
  | { t: 'grew'; at: number; s: number; units: Grown[] }
  /**
   * `agent`: whom the step chose for this unit, with its first attempt; who took it over, with each from then on; `holds`: what is set aside for it; `model`: the cheaper one that takes over,
   * by the budget that `cheap` names.
   */
  | { t: 'queued'; at: number; s: number; i: number; n: number; agent?: string; holds?: Holds; model?: string; cheap?: 'run' | 'step' }
  /** Its budget has not enough left at the moment. */
  | ({ t: 'short'; at: number; s: number; i: number; n: number } & Shortage)
  | { t: 'granted'; at: number; scope: string; more: Limits }
  | { t: 'began'; at: number; s: number; i: number; n: number; instance: string; agent?: string; version?: number }
  | { t: 'told'; at: number; s: number; i: number; n: number; message: string; fraction?: number; partial?: Json }
  /** What was said of an attempt that ends with this row. `dropped`: how many lines came before. */
  | { t: 'logged'; at: number; s: number; i: number; n: number; lines: LogLine[]; dropped?: number }
  | { t: 'child'; at: number; s: number; i: number; n: number; run: string; holds?: Holds }
  /** Until `due`, or until the signal comes: with both, whichever is first. */
  | { t: 'waits'; at: number; s: number; i: number; n: number; due?: number; signal?: string }
  /** `id`: the approval's, a UUIDv7. */
  | { t: 'asks'; at: number; s: number; i: number; n: number; id: string; ask: Ask }
  | { t: 'escalated'; at: number; s: number; i: number; n: number; level: number }
  /** `count`: reminders so far. */
  | { t: 'reminded'; at: number; s: number; i: number; n: number; count: number }
  | ({ t: 'answered'; s: number; i: number; n: number } & Answer)
  | { t: 'signalled'; at: number; id: string; hash: string; name: string; data: Json }
  | {
      t: 'retrying';
      at: number;
      s: number;
      i: number;
      n: number;
      due: number;
      error: Failure;
      agent?: string;
      isLost?: true;
      usage?: Usage;
      spent?: Spend;
    }
  /** The attempts of its agent are used up, and another agent is looked for. */
  | { t: 'seeking'; at: number; s: number; i: number; n: number; error: Failure; isLost?: true; usage?: Usage; spent?: Spend }
  | { t: 'moved'; at: number; s: number; i: number; n: number; agent: string }
  /** Its executor was lost, and whether it did its work is for a person to say. */
  | { t: 'crashed'; at: number; s: number; i: number; n: number; error: Failure }
  /** A person has said it; what follows from that is recorded after this. */
  | { t: 'resolved'; at: number; s: number; i: number; n: number; id: string; by: string; how: 'retry' | 'fail' | 'output' }
  /** `isKept`: by the run that this one was forked from or goes by, where `agent` was chosen for it. */
  | {
      t: 'succeeded';
      at: number;
      s: number;
      i: number;
      n: number;
      output: Json;
      usage?: Usage;
      spent?: Spend;
      isKept?: true;
      agent?: string;
    }
  | { t: 'failed'; at: number; s: number; i: number; n: number; error: Failure; isLost?: true; usage?: Usage; spent?: Spend }
  /** Nobody could do it, and what its step declares for that stands in: `output`, or without one it is skipped. */
  | {
      t: 'degraded';
      at: number;
      s: number;
      i: number;
      n: number;
      error: Failure;
      output?: Json;
      isLost?: true;
      usage?: Usage;
      spent?: Spend;
      isKept?: true;
    }
  /** `end`: of a step that was done in turns. */
  | { t: 'joined'; at: number; s: number; end?: RepeatEnd }
  /** Too many of its items have failed: the step has, and the others are cancelled. */
  | { t: 'stopped'; at: number; s: number }
  /** The main graph has ended so, and something follows. `cancel`: the id of the cancel that ended it. */
  | {
      t: 'ending';
      at: number;
      status: 'succeeded' | 'failed' | 'cancelled';
      reason: string | null;
      output?: Json;
      error?: Failure;
      cancel?: string;
    }
  /** From here on the run goes by the definition `to`. */
  /** `budget`: what it counts for, and is bound to, beside what it began with. */
  | { t: 'upgraded'; at: number; from: string; to: string; by: string; timeoutMs: number; budget?: MoreBudget }
  | { t: 'entered'; at: number; stage: 'undo' | 'finally' }
  | { t: 'ended'; at: number; status: 'succeeded' | 'failed' | 'cancelled'; reason: string | null; output?: Json; error?: Failure };

/** What is to be done outside, once the transitions are committed. */
export type Effect =
  /** The run needs these places before it begins: `admitted` is the answer. With `isIn` it has begun, and has them until its end. */
  | { e: 'enter'; claims: LimitClaim[]; isIn: boolean }
  /** `claims`: what it needs a place of first. */
  | ({ e: 'dispatch'; input: Json; claims?: LimitClaim[] } & AttemptRef)
  /** The input of an attempt cannot be computed any more: it is to be completed with this error. */
  | ({ e: 'unsendable'; error: Failure } & AttemptRef)
  | ({ e: 'wakeAt'; timer: 'wake' | 'queue' | 'total'; due: number } & AttemptRef)
  /** An agent is to be found that goes on with the unit: see `mayTakeOver`. To be answered by `moved`. */
  | ({ e: 'seek' } & AttemptRef)
  /** How long the run may take has changed: see `runDue`. */
  | { e: 'watch' }
  | ({ e: 'attemptEnded'; isCancelled: boolean } & AttemptRef)
  | {
      e: 'startChild';
      s: number;
      i: number;
      run: string;
      workflow: string;
      input: Json;
      depth: number;
      budget?: GivenBudget;
      within?: LimitKey[];
    }
  /** A budget above the run is to give it more: it answers by `granted` or `denied`. */
  | { e: 'wantBudget'; scope: string; wants: Limits }
  | { e: 'cancelChild'; run: string }
  | { e: 'ended' };
