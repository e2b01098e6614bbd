import type { ApprovalRow } from '../approvals/approval-row.ts';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { UsedRow } from '../usage/used.ts';

/** What is written beside the first row of a run. */
export interface StartFacts {
  workflow: string;
  definition: string;
  shard: number;
  labels: Record<string, string>;
  principal: string;
  principalName: string;
  /** The right to act for who started it. */
  grant: string;
  /** The run that started this one, as UUID. */
  parent: string | null;
  timeoutMs: number;
  createdAt: Date;
  /** As far as its row is known to say: whether all that it has begun waits. */
  isWaiting?: boolean;
  key?: { key: string; requestHash: string };
  /** Of a run that was read from a file: where it was done, `run` as people name it, and who brought it when. */
  origin?: { run: string; importedBy: string; importedAt: string };
}

/** How a run stands at its start, at its end, and where it begins to wait or goes on. */
export interface Standing {
  status: 'running' | 'succeeded' | 'failed' | 'cancelled';
  reason: string | null;
  endedAt: Date | null;
  error: string | null;
  /** JSON of progress and usage. */
  progress: string;
  usage: string;
  /** JSON of what searches go by: `isWaiting`, `errorCode`, `failedStep`; and of a run that went over to another definition `upgradedTo`, its hash. */
  found: string;
  /** When somebody has to look at it, where nobody has it in memory any more. */
  wakeAt: Date | null;
  /** Whether a child run's end would wake it too. */
  restsOnChild: boolean;
  /** JSON of the places of limits that it waits for, or that others wait for: `RestingPlaces`. */
  places: string | null;
}

/** One row to be appended: transitions of one run since its last row. */
export interface Append {
  run: string;
  workspace: string;
  /** `YYYY-MM-DD` of the run's identifier. */
  day: string;
  seq: number;
  transitions: Transition[];
  start?: StartFacts;
  /** Agents that its steps name; with a start. */
  agents?: readonly string[];
  /** With a start: how it stands after this row; alone: that this has changed. */
  standing?: Standing;
  /**
   * Of a run that starts or rested: in which epoch its writer has its shard, -1 where it has not. A run that rests is not fenced by each new owner, and one that
   * is not there yet cannot be: its next row is.
   */
  epoch?: { shard: number; epoch: number };
  /** Approvals that the transitions ask for or change. */
  approvals: ApprovalRow[];
  /** What attempts used that the transitions end. */
  used: UsedRow[];
  /** Events for the stream, written with the row. */
  events: OutboxEvent[];
}

export interface OutboxEvent {
  id: string;
  subject: string;
  entity: string;
  version: number;
  payload: object;
}

/**
 * What became of a row. `committed`: it is in the journal. `lost`: another row has its place (another owner took the run, or its start key
 * or id was used before). `refused`: PostgreSQL takes every other row, but not this one.
 */
export type AppendOutcome = 'committed' | 'lost' | 'refused';

/** Something that has rows to append, one at a time. */
export interface AppendSource {
  /** Workspaces take turns. */
  readonly workspace: string;
  /** The next row; undefined when there is nothing to append. Asked again only after `settled`. */
  take(): Append | undefined;
  /** The row is on its way, and nothing else to do until it is answered: what follows its commit can be made ready. */
  sent(): void;
  settled(outcome: AppendOutcome, cause?: unknown): void;
}
