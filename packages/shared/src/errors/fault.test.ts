import { expect, test } from '@jest/globals';
import { Fault } from './fault.ts';

test('a fault crosses the bus whole, without its cause', () => {
  const fault = new Fault('conflict', 'taken', 'Take another.', {
    cause: new Error('inside'),
    errors: [{ pointer: '/a', detail: 'is taken' }],
    retryAfterMs: 5,
    service: 'context',
    status: 412,
  });
  const data = JSON.parse(JSON.stringify(fault.toData())) as ReturnType<Fault['toData']>;
  expect(Fault.fromData(data)).toMatchObject({
    code: 'conflict',
    detail: 'taken',
    next: 'Take another.',
    errors: fault.errors,
    retryAfterMs: 5,
    service: 'context',
    status: 412,
  });
  expect(JSON.stringify(data)).not.toContain('inside');
});

test('what is thrown without being a fault is internal, with its cause', () => {
  const cause = new TypeError('x');
  expect(Fault.from(cause)).toMatchObject({ code: 'internal', cause, status: 500 });
});

test('a code that nobody knows is internal', () => {
  expect(Fault.fromData({ code: 'odd' as never, detail: '', next: '' }).code).toBe('internal');
});
