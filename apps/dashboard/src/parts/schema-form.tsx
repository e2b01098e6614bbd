import type { JsonSchema } from '@signalbox/sdk/client/schema.js';
import { Plus, X } from 'lucide-react';
import { useId, useMemo, useState, type ReactNode } from 'react';
import type { Json } from '../api/shapes.ts';
import { compactJson, parseJson } from '../model/json.ts';
import { faultsOf, formOf, initialOf, type Field } from '../model/schema-form.ts';
import { Button } from './button.tsx';
import styles from './schema-form.module.css';

interface SchemaFormProps {
  schema: JsonSchema | null | undefined;
  /** What it is filled with; if absent, with what the schema says. */
  initial?: Json | undefined;
  /** What the button says. */
  action: string;
  isPending: boolean;
  onSubmit: (value: Json) => void;
  /** Stands beside the button. */
  children?: ReactNode;
}

type Faults = ReadonlyMap<string, string>;

/** A form made of a JSON Schema. Anything can also be typed as JSON. */
export function SchemaForm({ schema, initial, action, isPending, onSubmit, children }: SchemaFormProps): ReactNode {
  const form = useMemo(() => formOf(schema), [schema]);
  const [value, setValue] = useState<Json | undefined>(() => initial ?? initialOf(form) ?? {});
  const [text, setText] = useState<string | null>(form.kind === 'object' ? null : JSON.stringify(initial ?? {}, null, 2));
  const [faults, setFaults] = useState<Faults>(new Map());

  const submit = (): void => {
    let sent: Json = value ?? {};
    if (text !== null) {
      const parsed = parseJson(text);
      if ('fault' in parsed) return setFaults(new Map([['', parsed.fault]]));
      sent = parsed.value;
    } else {
      const found = faultsOf(form, value);
      setFaults(new Map(found.map(({ pointer, detail }) => [pointer, detail])));
      if (found.length > 0) return;
    }
    setFaults(new Map());
    onSubmit(sent);
  };
  const toForm = (): void => {
    const parsed = parseJson(text ?? '{}');
    if ('fault' in parsed) return setFaults(new Map([['', parsed.fault]]));
    setValue(parsed.value);
    setText(null);
    setFaults(new Map());
  };

  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!isPending) submit();
      }}
    >
      {text === null ? (
        form.fields.length === 0 ? (
          <p className="quiet">It takes no input.</p>
        ) : (
          form.fields.map((field) => (
            <FieldInput
              key={field.name}
              field={field}
              pointer={`/${field.name}`}
              faults={faults}
              value={isObject(value) ? value[field.name] : undefined}
              onChange={(next) => setValue(withProperty(value, field.name, next))}
            />
          ))
        )
      ) : (
        <JsonInput label="Input as JSON" text={text} fault={faults.get('')} onChange={setText} rows={10} />
      )}
      <div className={styles.levers}>
        <Button kind="primary" type="submit" isPending={isPending}>
          {action}
        </Button>
        {children}
        {form.kind === 'object' && (
          <Button kind="quiet" onPress={() => (text === null ? setText(compactJson(value ?? {})) : toForm())}>
            {text === null ? 'Type JSON instead' : 'Use the form'}
          </Button>
        )}
      </div>
    </form>
  );
}

interface FieldInputProps {
  field: Field;
  pointer: string;
  faults: Faults;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}

function FieldInput({ field, pointer, faults, value, onChange }: FieldInputProps): ReactNode {
  const id = useId();
  const fault = faults.get(pointer);
  const described = [field.description ? `${id}-about` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  const common = { id, 'aria-describedby': described || undefined, ...(fault && { 'aria-invalid': true }) };
  const label = (
    <span className={styles.label}>
      {field.label || 'Item'}
      {field.required && field.kind !== 'boolean' && <span className={styles.required}>required</span>}
    </span>
  );
  const notes = (
    <>
      {field.description && (
        <span id={`${id}-about`} className={styles.about}>
          {field.description}
        </span>
      )}
      {fault && (
        <span id={`${id}-fault`} className={styles.fault} role="alert">
          {fault}
        </span>
      )}
    </>
  );
  switch (field.kind) {
    case 'boolean':
      return (
        <div className={styles.field}>
          <label className={styles.check}>
            <input type="checkbox" {...common} checked={value === true} onChange={(event) => onChange(event.target.checked)} />
            {field.label}
          </label>
          {notes}
        </div>
      );
    case 'choice':
      return (
        <div className={styles.field}>
          <label htmlFor={id}>{label}</label>
          <select
            {...common}
            className={styles.input}
            value={field.options.findIndex((each) => JSON.stringify(each) === JSON.stringify(value))}
            onChange={(event) => onChange(field.options[Number(event.target.value)])}
          >
            <option value={-1}>{field.required ? 'Choose one' : 'None'}</option>
            {field.options.map((option, i) => (
              <option key={JSON.stringify(option)} value={i}>
                {typeof option === 'string' ? option : JSON.stringify(option)}
              </option>
            ))}
          </select>
          {notes}
        </div>
      );
    case 'number':
      return (
        <div className={styles.field}>
          <label htmlFor={id}>{label}</label>
          <input
            {...common}
            className={styles.input}
            inputMode={field.integer ? 'numeric' : 'decimal'}
            defaultValue={typeof value === 'number' ? String(value) : ''}
            onChange={({ target }) => onChange(target.value.trim() === '' ? undefined : numberIn(target.value))}
          />
          {notes}
        </div>
      );
    case 'text':
      return (
        <div className={styles.field}>
          <label htmlFor={id}>{label}</label>
          <textarea
            {...common}
            className={styles.input}
            rows={Math.min(10, Math.max(1, typeof value === 'string' ? value.split('\n').length : 1))}
            spellCheck={false}
            value={typeof value === 'string' ? value : ''}
            onChange={(event) => onChange(event.target.value === '' && !field.required ? undefined : event.target.value)}
          />
          {notes}
        </div>
      );
    case 'object':
      return (
        <fieldset className={styles.group}>
          <legend>{label}</legend>
          {notes}
          {field.fields.map((each) => (
            <FieldInput
              key={each.name}
              field={each}
              pointer={`${pointer}/${each.name}`}
              faults={faults}
              value={isObject(value) ? value[each.name] : undefined}
              onChange={(next) => onChange(withProperty(value, each.name, next))}
            />
          ))}
        </fieldset>
      );
    case 'list':
      return <ListInput field={field} pointer={pointer} faults={faults} value={value} onChange={onChange} label={label} notes={notes} />;
    case 'json':
      return <JsonField field={field} fault={fault} value={value} onChange={onChange} />;
  }
}

function ListInput({
  field,
  pointer,
  faults,
  value,
  onChange,
  label,
  notes,
}: FieldInputProps & { label: ReactNode; notes: ReactNode }): ReactNode {
  const items = Array.isArray(value) ? value : [];
  const { item } = field;
  if (!item) return null;
  return (
    <fieldset className={styles.group}>
      <legend>{label}</legend>
      {notes}
      {items.map((each, i) => (
        // Items have no identity but their place.
        <div key={`${i} of ${items.length}`} className={styles.item}>
          <FieldInput
            field={{ ...item, label: `${field.label} ${i + 1}`, required: false }}
            pointer={`${pointer}/${i}`}
            faults={faults}
            value={each}
            onChange={(next) => onChange(items.map((old, n) => (n === i ? (next ?? null) : old)))}
          />
          <Button
            kind="quiet"
            small
            aria-label={`Remove ${field.label} ${i + 1}`}
            onPress={() => onChange(items.filter((_, n) => n !== i))}
          >
            <X size={14} aria-hidden />
          </Button>
        </div>
      ))}
      <Button small onPress={() => onChange([...items, initialOf(item) ?? (item.kind === 'text' ? '' : null)])}>
        <Plus size={14} aria-hidden />
        Add to {field.label}
      </Button>
    </fieldset>
  );
}

function JsonField({
  field,
  fault,
  value,
  onChange,
}: Pick<FieldInputProps, 'field' | 'value' | 'onChange'> & { fault: string | undefined }): ReactNode {
  const [text, setText] = useState(() => (value === undefined ? '' : compactJson(value)));
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <JsonInput
      label={`${field.label}${field.required ? ' (required)' : ''}, as JSON`}
      text={text}
      fault={typed ?? fault}
      rows={4}
      onChange={(next) => {
        setText(next);
        if (next.trim() === '') {
          setTyped(null);
          return onChange(undefined);
        }
        const parsed = parseJson(next);
        setTyped('fault' in parsed ? parsed.fault : null);
        if ('value' in parsed) onChange(parsed.value);
      }}
    />
  );
}

function JsonInput({
  label,
  text,
  fault,
  rows,
  onChange,
}: {
  label: string;
  text: string;
  fault: string | undefined;
  rows: number;
  onChange: (text: string) => void;
}): ReactNode {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      <textarea
        id={id}
        className={`${styles.input} ${styles.json}`}
        rows={rows}
        spellCheck={false}
        value={text}
        onChange={(event) => onChange(event.target.value)}
        {...(fault && { 'aria-invalid': true, 'aria-describedby': `${id}-fault` })}
      />
      {fault && (
        <span id={`${id}-fault`} className={styles.fault} role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withProperty(value: Json | undefined, name: string, next: Json | undefined): Json {
  const { [name]: _, ...rest } = isObject(value) ? value : {};
  return next === undefined ? rest : { ...rest, [name]: next };
}

/** What is no number is kept as it was typed, so that the fault can be shown beside it. */
function numberIn(text: string): Json {
  const number = Number(text.trim().replace(',', '.'));
  return Number.isFinite(number) ? number : text;
}
