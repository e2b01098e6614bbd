import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** What the address selects in one of its parameters, and the addresses that select something else. */
export function useSelection(parameter: string): { selected: string | null; hrefOf: (value: string | null) => { search: string } } {
  const [search] = useSearchParams();
  const hrefOf = useCallback(
    (value: string | null) => {
      const next = new URLSearchParams(search);
      if (value === null) next.delete(parameter);
      else next.set(parameter, value);
      return { search: `?${next}` };
    },
    [search, parameter],
  );
  return { selected: search.get(parameter), hrefOf };
}
