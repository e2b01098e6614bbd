import { expect, test } from '@jest/globals';
import { noticeEvents, noticeOfWorkflow } from './notice.ts';

test('that a workflow is scaled back is told with why, and its end more quietly', () => {
  const scaled = {
    workflow: 'review',
    to: 'small',
    isScaledBack: true,
    how: 'auto' as const,
    because: 'nobody is there for writer',
    by: 'execution',
    agents: ['writer'],
  };
  const begun = noticeOfWorkflow(scaled, 1);
  expect(begun).toMatchObject({
    event: 'workflow.scaled-back',
    severity: 'medium',
    title: 'Workflow review is scaled back to small',
    text: 'nobody is there for writer',
    agents: ['writer'],
    path: '/workflows/review',
  });
  const over = noticeOfWorkflow({ ...scaled, isScaledBack: false, because: 'all that it needs is there again' }, 2);
  expect(over).toMatchObject({ event: 'workflow.restored', severity: 'low', title: 'Workflow review is restored', subject: begun.subject });
  expect(noticeEvents).toEqual(expect.arrayContaining([begun.event, over.event]));
});
