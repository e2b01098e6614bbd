import { Lane } from './lane.ts';
import type { AppendSource } from './append.ts';

/** Connections that append. Two are enough to keep PostgreSQL busy while the other's answer is handled. */
const laneCount = 2;

/** The journal's writing side: runs go to lanes by their identifier, so that one run's rows are appended in order. */
export class Journal {
  private readonly lanes: Lane[];

  constructor(url: string, writer: () => string, mayAct: () => boolean, lanes = laneCount) {
    this.lanes = Array.from({ length: lanes }, (_, number) => new Lane(url, writer, number, mayAct));
  }

  /** Rows that wait for a commit. */
  get waiting(): number {
    return this.lanes.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Milliseconds until the next row of a workspace is committed; without one, of who has most in front of it. */
  waitMs(workspace?: string): number {
    return Math.max(...this.lanes.map((lane) => lane.waitMs(workspace)));
  }

  /** What keeps a lane from committing, as SQLSTATE or code of the system. */
  get halted(): string | undefined {
    return this.lanes.find(({ halted }) => halted !== undefined)?.halted;
  }

  /** Rows of a workspace that wait for a commit. */
  waitingOf(workspace: string): number {
    return this.lanes.reduce((sum, lane) => sum + lane.waitingOf(workspace), 0);
  }

  laneOf(run: string): Lane {
    return this.lanes[Number.parseInt(run.slice(-4, -2), 16) % this.lanes.length] as Lane;
  }

  push(run: string, source: AppendSource): void {
    this.laneOf(run).push(source);
  }

  async stop(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop()));
  }

  async abandon(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.abandon()));
  }
}
