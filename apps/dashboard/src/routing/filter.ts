import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** The search that the address holds, in `q`. */
export function useFilter(): { q: string; setQ: (text: string) => void } {
  const [search, setSearch] = useSearchParams();
  const setQ = useCallback(
    (text: string) => {
      const next = new URLSearchParams(search);
      if (text === '') next.delete('q');
      else next.set('q', text);
      setSearch(next, { replace: true, preventScrollReset: true });
    },
    [search, setSearch],
  );
  return { q: search.get('q') ?? '', setQ };
}
