import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { chipsOf, runStatuses, sortOf, sorts, spans, unfiltered, type FilterName } from '../../model/run-filter.ts';
import { Button } from '../../parts/button.tsx';
import { LampSign } from '../../parts/lamp.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { SavedViews } from './saved-views.tsx';
import styles from './runs.module.css';

const errorCodes = [
  'timeout',
  'unavailable',
  'limited',
  'invalid',
  'forbidden',
  'not_found',
  'conflict',
  'internal',
  'cancelled',
  'unauthenticated',
];

/** Which runs are shown, kept in the address: words, statuses, and what else runs are found by. */
export function RunFilters(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const workflows = useQuery(queries.workflows());
  const agents = useQuery(queries.agents());
  const set = (name: FilterName | 'sort', value: string): void => {
    const next = new URLSearchParams(search);
    if (value === '') next.delete(name);
    else next.set(name, value);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const get = (name: FilterName): string => search.get(name) ?? '';
  const chosen = get('status').split(',').filter(Boolean);
  const chips = chipsOf(search);
  const isFiltered = chips.length > 0 || chosen.length > 0 || get('q') !== '';
  const spanOptions = Object.entries(spans).map(([value, text]) => ({ value, text }));
  return (
    <>
      <div className={styles.filters}>
        <SearchField value={get('q')} onChange={(text) => set('q', text)} label="Search runs" placeholder="Words, error or run ID" />
        <fieldset className={styles.statuses}>
          <legend className="visually-hidden">Status</legend>
          {runStatuses.map((each) => (
            <label key={each} className={styles.status}>
              <input
                type="checkbox"
                checked={chosen.includes(each)}
                onChange={(event) =>
                  set('status', (event.target.checked ? [...chosen, each] : chosen.filter((other) => other !== each)).join(','))
                }
              />
              <LampSign lamp={lampOf(each)} size={14} />
              {lampOf(each).word}
            </label>
          ))}
        </fieldset>
        <Choice
          label="Order"
          none="Newest first"
          value={sortOf(search) === 'newest' ? '' : sortOf(search)}
          onChange={(value) => set('sort', value)}
        >
          {Object.entries(sorts)
            .slice(1)
            .map(([value, text]) => ({ value, text: text.charAt(0).toUpperCase() + text.slice(1) }))}
        </Choice>
        <SavedViews />
      </div>
      <details className={styles.moreFilters}>
        <summary>More filters</summary>
        <div className={styles.filters}>
          <Choice label="Workflow" none="All workflows" value={get('workflow')} onChange={(value) => set('workflow', value)}>
            {(workflows.data ?? []).map(({ name }) => ({ value: name, text: name }))}
          </Choice>
          <Choice label="Agent" none="All agents" value={get('agent')} onChange={(value) => set('agent', value)}>
            {(agents.data ?? []).map(({ name }) => ({ value: name, text: name }))}
          </Choice>
          <Choice label="Started" none="Started at any time" value={get('since')} onChange={(value) => set('since', value)}>
            {spanOptions.map(({ value, text }) => ({ value, text: `Started in the ${text}` }))}
          </Choice>
          <Choice label="Ended" none="Ended at any time" value={get('ended')} onChange={(value) => set('ended', value)}>
            {spanOptions.map(({ value, text }) => ({ value, text: `Ended in the ${text}` }))}
          </Choice>
          <Choice label="Error" none="Any error or none" value={get('error')} onChange={(value) => set('error', value)}>
            {errorCodes.map((code) => ({ value: code, text: `Error ${code}` }))}
          </Choice>
          <Typed label="Label" placeholder="team=blue" value={get('label')} onChange={(value) => set('label', value)} />
          <Typed label="Cost at least, $" placeholder="0.50" isNumber value={get('cost')} onChange={(value) => set('cost', value)} />
          <Typed label="Took at least, s" placeholder="60" isNumber value={get('took')} onChange={(value) => set('took', value)} />
        </div>
      </details>
      {isFiltered && (
        <ul className={styles.chips} aria-label="Filters in use">
          {chips.map(({ name, text }) => (
            <li key={name}>
              <Button kind="plain" small onPress={() => set(name, '')} aria-label={`Remove the filter ${text}`}>
                {text}
                <X size={13} aria-hidden />
              </Button>
            </li>
          ))}
          <li>
            <Button kind="quiet" small onPress={() => setSearch(unfiltered(search), { replace: true })}>
              Clear filters
            </Button>
          </li>
        </ul>
      )}
    </>
  );
}

/** A choice of one, or of none. What the address says and nobody offers stays chosen. */
function Choice({
  label,
  none,
  value,
  onChange,
  children,
}: {
  label: string;
  none: string;
  value: string;
  onChange: (value: string) => void;
  children: readonly { value: string; text: string }[];
}): ReactNode {
  const isForeign = value !== '' && !children.some((each) => each.value === value);
  return (
    <label>
      <span className="visually-hidden">{label}</span>
      <select className={styles.select} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{none}</option>
        {isForeign && <option value={value}>{value}</option>}
        {children.map((each) => (
          <option key={each.value} value={each.value}>
            {each.text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A filter that is typed; used when it is left or Enter is pressed. */
function Typed({
  label,
  placeholder,
  isNumber = false,
  value,
  onChange,
}: {
  label: string;
  placeholder: string;
  isNumber?: boolean;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  return (
    <label className={styles.typed}>
      <span>{label}</span>
      <input
        key={value}
        className={styles.select}
        defaultValue={value}
        placeholder={placeholder}
        inputMode={isNumber ? 'decimal' : 'text'}
        autoComplete="off"
        spellCheck={false}
        onBlur={(event) => event.target.value.trim() !== value && onChange(event.target.value.trim())}
        onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
      />
    </label>
  );
}
