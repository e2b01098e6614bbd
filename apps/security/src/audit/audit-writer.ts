import { Injectable } from '@nestjs/common';
import { AuditStore } from './audit.store.ts';
import type { AuditFacts } from './chain.ts';

/** Entries of one commit. */
const batchMax = 200;

interface Waiting {
  workspace: string;
  facts: AuditFacts;
  done: () => void;
  failed: (cause: unknown) => void;
}

/** Writes the audit in groups: while one commit is under way, what comes gathers for the next. */
@Injectable()
export class AuditWriter {
  private waiting: Waiting[] = [];
  private isWriting = false;

  constructor(private readonly store: AuditStore) {}

  /** Resolves once the entry is committed. The same entry twice is one. */
  append(workspace: string, facts: AuditFacts): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ workspace, facts, done, failed });
      if (!this.isWriting) void this.write();
    });
  }

  private async write(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, batchMax);
      for (const [workspace, group] of Map.groupBy(batch, (entry) => entry.workspace)) await this.writeGroup(workspace, group);
    }
    this.isWriting = false;
  }

  /** One entry that cannot be written must not hold back the others: after a failure each is tried alone. */
  private async writeGroup(workspace: string, group: readonly Waiting[]): Promise<void> {
    try {
      await this.store.append(
        workspace,
        group.map(({ facts }) => facts),
      );
      for (const { done } of group) done();
    } catch (cause) {
      if (group.length > 1) for (const one of group) await this.writeGroup(workspace, [one]);
      else group[0]?.failed(cause);
    }
  }
}
