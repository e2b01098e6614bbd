import { Transform } from 'class-transformer';

/** A query parameter that is `true` or `false`; alone, it is `true`. */
export function Flag(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) => (value === 'true' || value === '' ? true : value === 'false' ? false : value));
}
