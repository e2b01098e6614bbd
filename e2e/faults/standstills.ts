import { expect } from '@jest/globals';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { testCase } from '../cases/case.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { reads } from './kills.ts';

/** Services that stand still: nobody has seen them end, so that only deadlines help. */
export function standstillCases(stackOf: () => StackUnderTest): void {
  testCase(
    'F02',
    'each service stands still for a while',
    async (happened) => {
      const stack = stackOf();
      for (const name of serviceNames.filter((service) => service !== 'api-gateway')) {
        for (const read of Object.values(reads)) expect((await stack.rest('GET', read)).status).toBe(200); // the caller is known everywhere
        const others = serviceNames.filter((other) => other !== name && other !== 'api-gateway');
        await stack.kill(name, 'SIGSTOP');
        try {
          const from = performance.now();
          const [answer, ...rest] = await Promise.all([name, ...others].map((service) => stack.rest('GET', reads[service]!)));
          happened(`${name}: ${answer!.status} after ${Math.round(performance.now() - from)} ms`);
          expect([503, 504]).toContain(answer!.status);
          expect(answer!.body).toMatchObject({ service: name });
          expect(rest.map(({ status }, other) => [others[other], status])).toEqual(others.map((other) => [other, 200]));
          if (name === 'security') {
            const stranger = await stack.rest('GET', reads['registry']!, { key: `sbx_${'a'.repeat(40)}` });
            expect([401, 503, 504]).toContain(stranger.status);
          }
        } finally {
          await stack.kill(name, 'SIGCONT');
        }
        await until(`${name} answers again`, async () => (await stack.rest('GET', reads[name]!)).status === 200);
      }
      await stack.allUp();
    },
    90_000,
  );
}
