import { serviceNames } from '@signalbox/shared/bus/contract.js';
import type { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import type { KpiReporter } from '@signalbox/shared/kpi/kpi-reporter.js';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { faultOfReply } from './problem.ts';

/** Whose being away is ours: all that an installation consists of. What agents, tools and models do wrong is theirs. */
const ours: ReadonlySet<string> = new Set([...serviceNames, 'nats', 'postgresql']);

/** Counts every request at the front doors for its caller's workspace, and which of them failed by us. */
export function countRequests(http: FastifyInstance, kpis: Pick<KpiReporter, 'observe'>): void {
  http.addHook('onResponse', (request, reply, done) => {
    const { caller } = request as FastifyRequest & { caller?: Caller };
    if (caller !== undefined) {
      const { workspace } = caller;
      const { isError, isAway } = blameOf(faultOfReply(reply), reply.statusCode);
      kpis.observe({ workspace, kpi: 'errors', isBad: isError });
      kpis.observe({ workspace, kpi: 'availability', isBad: isAway });
    }
    done();
  });
}

/** What of an answer is our fault. Where the fault itself is not known, its status says it. */
export function blameOf(fault: Fault | undefined, status: number): { isError: boolean; isAway: boolean } {
  const isAway =
    fault === undefined
      ? status === 503 || status === 504
      : (fault.code === 'unavailable' || fault.code === 'timeout') && fault.service !== undefined && ours.has(fault.service);
  const isBug = fault === undefined ? status === 500 : fault.code === 'internal';
  return { isAway, isError: isAway || isBug };
}
