import type { Answer, Answerer, Ask } from './approval.ts';
import type { Json } from './json.ts';

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
      parent?: { run: string; s: number; i: number };
      /** What another run did of this workflow, and this one need not do again: see `keptOf`. */
      kept?: readonly Transition[];
    }
  | { type: 'taken'; epoch: number }
  | ({ type: 'accepted'; instance: string } & AttemptRef)
  | ({ type: 'completed'; output?: Json; error?: Failure; usage?: Usage } & AttemptRef)
  | ({ type: 'lost'; error: Failure } & AttemptRef)
  | ({ type: 'due'; timer: 'wake' | 'attempt' } & AttemptRef)
  | { type: 'due'; timer: 'run' }
  | { type: 'childEnded'; s: number; i: number; child: string; output?: Json; error?: Failure }
  /** `id`: what the sender knows it by; the same one twice is one signal. `hash`: of what it says. */
  | { type: 'signal'; id: string; hash: string; name: string; data: Json }
  | ({ type: 'answer'; by: Answerer; approved: boolean; data: Json; comment: string | null } & AttemptRef)
  | { type: 'cancel'; by: string };

/** What happened, as the journal keeps it. `applyTransition` alone rebuilds a run from these; no expression is computed again. */
export type Transition =
  | { t: 'started'; at: number; input: Json; depth: number; timeoutMs: number; parent?: { run: string; s: number; i: number } }
  | { t: 'taken'; at: number; epoch: number }
  | { t: 'skipped'; at: number; s: number }
  | { t: 'fanned'; at: number; s: number; count: number }
  | { t: 'queued'; at: number; s: number; i: number; n: number }
  | { t: 'began'; at: number; s: number; i: number; n: number; instance: string }
  | { t: 'child'; at: number; s: number; i: number; n: number; run: string }
  /** Until `due`, or until the signal comes: with both, whichever is first. */
  | { t: 'waits'; at: number; s: number; i: number; n: number; due?: number; signal?: string }
  /** `id`: the approval's, a UUIDv7. */
  | { t: 'asks'; at: number; s: number; i: number; n: number; id: string; ask: Ask }
  | { t: 'escalated'; at: number; s: number; i: number; n: number; level: number }
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
    }
  | { t: 'succeeded'; at: number; s: number; i: number; n: number; output: Json; usage?: Usage }
  | { t: 'failed'; at: number; s: number; i: number; n: number; error: Failure; isLost?: true; usage?: Usage }
  | { t: 'joined'; at: number; s: number }
  | { t: 'ended'; at: number; status: 'succeeded' | 'failed' | 'cancelled'; reason: string | null; output?: Json; error?: Failure };

/** What is to be done outside, once the transitions are committed. */
export type Effect =
  | ({ e: 'dispatch'; input: Json } & AttemptRef)
  /** The input of an attempt cannot be computed any more: it is to be completed with this error. */
  | ({ e: 'unsendable'; error: Failure } & AttemptRef)
  | ({ e: 'wakeAt'; due: number } & AttemptRef)
  | ({ e: 'attemptEnded'; isCancelled: boolean } & AttemptRef)
  | { e: 'startChild'; s: number; i: number; run: string; workflow: string; input: Json; depth: number }
  | { e: 'cancelChild'; run: string }
  | { e: 'ended' };
