import { useState, type ReactNode } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { viewOf } from '../../model/run-filter.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { useWho } from '../../shell/who.ts';
import dialogue from '../../parts/dialogue.module.css';
import form from '../../parts/form.module.css';
import styles from './runs.module.css';

/** Views of one person on this device. */
const viewsMax = 30;

type Views = Record<string, string>;

/** Filters under a name: an address that is kept in this browser, for who is signed in. */
export function SavedViews(): ReactNode {
  const { workspace, principal } = useWho();
  const place = `signalbox.run-views.${workspace}.${principal}`;
  const [views, setViews] = useState<Views>(() => read(place));
  const [isNaming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const current = viewOf(search);
  const active = Object.keys(views).find((each) => views[each] === current) ?? '';
  const keep = (next: Views): void => {
    localStorage.setItem(place, JSON.stringify(next));
    setViews(next);
  };
  const isFull = Object.keys(views).length >= viewsMax;
  return (
    <>
      {Object.keys(views).length > 0 && (
        <label>
          <span className="visually-hidden">Saved view</span>
          <select
            className={styles.select}
            value={active}
            onChange={(event) => void navigate({ search: `?${views[event.target.value] ?? ''}` }, { replace: true })}
          >
            <option value="">Saved views</option>
            {Object.keys(views).map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      )}
      {active !== '' ? (
        <Button
          kind="quiet"
          small
          onPress={() => keep(Object.fromEntries(Object.entries(views).filter(([each]) => each !== active)))}
        >{`Forget ${active}`}</Button>
      ) : (
        current !== '' && (
          <Button kind="quiet" small isDisabled={isFull} onPress={() => setNaming(true)}>
            Save this view
          </Button>
        )
      )}
      <Dialogue title="Save this view" isOpen={isNaming} onClose={() => setNaming(false)}>
        <form
          className={form.form}
          onSubmit={(event) => {
            event.preventDefault();
            keep({ ...views, [name.trim()]: current });
            setNaming(false);
            setName('');
          }}
        >
          <label className={form.field}>
            <span>Name</span>
            <input value={name} maxLength={40} required pattern=".*\S.*" autoFocus onChange={(event) => setName(event.target.value)} />
          </label>
          <p className="quiet">It is kept in this browser. To share it, send the address of the page.</p>
          <div className={dialogue.levers}>
            <Button onPress={() => setNaming(false)}>Do not save</Button>
            <Button kind="primary" type="submit" isDisabled={name.trim() === ''}>
              Save view
            </Button>
          </div>
        </form>
      </Dialogue>
    </>
  );
}

/** What the browser has kept; anything else is no view. */
function read(place: string): Views {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch (error) {
    // What is not JSON was not written here.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
