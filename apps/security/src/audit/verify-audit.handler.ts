import { Controller } from '@nestjs/common';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { verifyAudit, type VerifyAuditReply } from '@signalbox/shared/contracts/security/verify-audit.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { AuditStore } from './audit.store.ts';
import { breakOf, chainStart } from './chain.ts';
import { Checkpoints } from './checkpoints.ts';

/** Entries read at once. */
const pageMax = 1_000;

@Controller()
export class VerifyAuditHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: AuditStore,
    private readonly checkpoints: Checkpoints,
  ) {}

  @Handles(verifyAudit)
  async handle(@FromCaller() { workspace }: Caller, @FromCall() { signal }: BusCall): Promise<VerifyAuditReply> {
    const end = await this.db.inWorkspace(workspace, (tx) => this.store.head(tx, workspace)); // what comes later is checked the next time
    const checkpoints = await this.checkpoints.of(workspace);
    const noted = new Map(checkpoints.map(({ seq, hash }) => [seq, hash]));
    let last = { seq: 0, hash: chainStart };
    const broken = (brokenAt: number, because: string): VerifyAuditReply => ({
      intact: false,
      entries: last.seq,
      checkpoints: checkpoints.length,
      head: hex(last.hash),
      brokenAt,
      because,
    });
    while (last.seq < end.seq) {
      signal.throwIfAborted();
      const { seq } = last;
      const page = await this.db.inWorkspace(workspace, (tx) => this.store.after(tx, workspace, seq, pageMax));
      for (const link of page) {
        const because = breakOf(workspace, last, link);
        if (because !== null) return broken(last.seq + 1, because);
        last = link;
        const hash = noted.get(link.seq);
        if (hash !== undefined && hash !== hex(link.hash))
          return broken(link.seq, `entry ${link.seq} is not the one that was noted outside the database: the chain was built anew`);
        if (last.seq === end.seq) break;
      }
      if (last.seq === seq) return broken(seq + 1, `the chain ends at entry ${seq}, ${end.seq} were written`);
    }
    const furthest = Math.max(0, ...noted.keys());
    if (furthest > last.seq)
      return broken(last.seq + 1, `the chain ends at entry ${last.seq}, ${furthest} were noted outside the database: its end was cut`);
    if (!last.hash.equals(end.hash)) return broken(last.seq, 'the chain does not end as it was noted: it was built anew');
    await this.checkpoints.note({ workspace, seq: last.seq, hash: hex(last.hash) });
    return { intact: true, entries: last.seq, checkpoints: checkpoints.length, head: last.seq === 0 ? '' : hex(last.hash) };
  }
}

function hex(hash: Buffer): string {
  return hash.equals(chainStart) ? '' : hash.toString('hex');
}
