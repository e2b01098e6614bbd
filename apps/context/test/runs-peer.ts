import { getRun, type GetRunReply } from '@signalbox/shared/contracts/execution/get-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';

/** Answers in `execution`'s place: it knows every run but these. */
export async function answerForRuns(context: ServiceUnderTest, unknown: readonly string[] = []): Promise<void> {
  await context.answer(getRun, ({ run }): GetRunReply => {
    if (unknown.includes(run)) throw new Fault('not_found', `there is no run ${run}`, 'Look at the list of runs.');
    const at = '2026-11-24T00:00:00.000Z';
    return {
      id: run,
      workflow: 'w',
      workflowHash: 'sha256:0',
      status: 'running',
      reason: null,
      labels: {},
      error: null,
      parent: null,
      startedBy: 'user_test',
      createdAt: at,
      startedAt: at,
      endedAt: null,
      progress: { total: 1, done: 0, running: 1, waiting: 0, failed: 0 },
      usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
      steps: [],
      nextSteps: null,
    };
  });
}
