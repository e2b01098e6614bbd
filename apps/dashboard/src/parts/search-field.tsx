import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import styles from './search-field.module.css';

/** A search whose text settles for this long before it is used. */
const settleMs = 200;

/** A text to look for. `onChange` hears it once typing pauses. */
export function SearchField({
  value,
  onChange,
  label,
  placeholder,
}: {
  value: string;
  onChange: (text: string) => void;
  label: string;
  placeholder: string;
}): ReactNode {
  const [text, setText] = useState(value);
  const said = useRef(value);
  const heard = useRef(onChange);
  heard.current = onChange;
  useEffect(() => {
    if (value !== said.current) {
      said.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text === said.current) return;
    const timer = setTimeout(() => {
      said.current = text;
      heard.current(text);
    }, settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label className={styles.field}>
      <Search size={15} aria-hidden />
      <span className="visually-hidden">{label}</span>
      <input
        type="text"
        role="searchbox"
        value={text}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && setText('')}
      />
      {text !== '' && (
        <button type="button" className={styles.clear} onClick={() => setText('')} aria-label="Clear the search">
          <X size={14} aria-hidden />
        </button>
      )}
    </label>
  );
}
