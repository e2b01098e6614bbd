import { expect, test } from '@jest/globals';
import { getMetadataStorage, validateSync } from 'class-validator';
import { plainToInstance } from 'class-transformer';
import fc from 'fast-check';
import { loadCatalogue } from './catalogue.ts';
import { isSurelyValid } from './checked-quickly.ts';
import { validate } from './validate.ts';

const run = 'run_01h455vb4pex5vsknk084sn02q';
const leaf = fc.oneof(
  fc.constantFrom<unknown>('', 'a', 'echo', run, `${run}.0.x.1`, 'internal', '2026-01-01T00:00:00.000Z', 'x'.repeat(300), null, undefined),
  fc.constantFrom<unknown>(0, 1, -1, 1.5, 1e9, true, false, Number.NaN),
);
const value = fc.oneof(
  { weight: 4, arbitrary: leaf },
  fc.array(
    leaf.filter((item) => item !== undefined),
    { maxLength: 3 },
  ), // JSON carries no undefined in a list
  fc.dictionary(fc.constantFrom('code', 'detail', 'inputTokens', 'outputTokens', 'costUsd', 'name', 'odd'), leaf, {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  fc.constantFrom<unknown>({ inputTokens: 1, outputTokens: 2, costUsd: 0 }, { code: 'internal', detail: 'it broke' }),
);

test('what is surely valid is what class-validator finds nothing in, made as class-transformer would, for every message of ours', async () => {
  const { contracts, events } = await loadCatalogue();
  const types = [...contracts.flatMap(({ request, reply }) => [request, reply]), ...events.map(({ payload }) => payload)];
  for (const type of new Set(types)) {
    const names = [
      ...new Set(
        getMetadataStorage()
          .getTargetValidationMetadatas(type, '', false, false)
          .map((of) => of.propertyName),
      ),
    ];
    const message = fc.dictionary(fc.constantFrom(...names, 'odd'), value, { maxKeys: names.length + 1, noNullPrototype: true });
    fc.assert(
      fc.property(message, (plain) => {
        const instance = plainToInstance(type, plain);
        const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false });
        expect(isSurelyValid(instance)).toBe(errors.length === 0);
        if (errors.length === 0) expect(validate(type, plain)).toStrictEqual(instance);
      }),
      { numRuns: 30 },
    );
  }
});

test('an object of no class, or with a constructor of its own, is not sure', () => {
  expect(isSurelyValid(Object.create(null) as object)).toBe(false);
  expect(isSurelyValid({ constructor: 1 })).toBe(false);
});
