/** What a reference prints as: kept under a symbol, so that no field of a value is hidden by it. */
const source = Symbol('source');
/** Holds the type of what a reference stands for, and nothing else. */
declare const stands: unique symbol;

/**
 * A value that a run will have, by the expression that gives it: `input.folder`. Its fields are references too. In a template literal and in JSON it
 * is `${{ input.folder }}`.
 */
export type Ref<T> = { readonly [source]: string; readonly [stands]?: T; readonly toString: () => string } & Fields<NonNullable<T>>;

type Fields<T> = unknown extends T
  ? { readonly [key: string]: Ref<unknown> }
  : T extends readonly (infer Item)[]
    ? { readonly [index: number]: Ref<Item> }
    : T extends object
      ? { readonly [Key in keyof T]-?: Ref<T[Key]> }
      : unknown;

/** A value with references anywhere in it. */
export type Value<T = unknown> =
  | T
  | Ref<T>
  | (T extends readonly (infer Item)[] ? readonly Value<Item>[] : T extends object ? { readonly [Key in keyof T]: Value<T[Key]> } : never);

/** The type that a value with references in it has in a run. */
export type Computed<V> =
  V extends Ref<infer T>
    ? T
    : V extends readonly (infer Item)[]
      ? Computed<Item>[]
      : V extends object
        ? { [Key in keyof V]: Computed<V[Key]> }
        : V;

/** Words of CEL that no field may be written as after a dot. */
const reserved = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(' '),
);

/** The reference to what `expression` gives. */
export function ref<T>(expression: string): Ref<T> {
  return new Proxy({} as Ref<T>, {
    get(_, key) {
      if (key === source) return expression;
      if (key === Symbol.toPrimitive || key === 'toJSON' || key === 'toString') return () => printed(expression);
      return typeof key === 'symbol' ? undefined : ref(fieldOf(expression, key));
    },
    has: (_, key) => key === source,
  });
}

function fieldOf(expression: string, key: string): string {
  if (/^[0-9]+$/.test(key)) return `${expression}[${key}]`;
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !reserved.has(key) ? `${expression}.${key}` : `${expression}[${JSON.stringify(key)}]`;
}

function printed(expression: string): string {
  return `\${{ ${expression} }}`;
}

function isRef(value: unknown): value is Ref<unknown> {
  return typeof value === 'object' && value !== null && source in value;
}

/**
 * A CEL expression: what is put in is a reference, which stands as its expression, or a value, which stands as a literal. Backslashes are CEL's.
 *
 * ```ts
 * cel<boolean>`size(${list.output.lines}) > ${3}`
 * ```
 */
export function cel<T = unknown>(texts: TemplateStringsArray, ...values: readonly unknown[]): Ref<T> {
  const parts = values.map((value) => (isRef(value) ? value[source] : JSON.stringify(value)));
  return ref<T>(texts.raw.flatMap((text, index) => (index === 0 ? [text] : [parts[index - 1] ?? 'null', text])).join(''));
}

/** The value as it stands in a document: every reference printed, what is undefined left out. */
export function plain(value: unknown): unknown {
  if (isRef(value)) return printed(value[source]);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, entry]) => (entry === undefined ? [] : [[key, plain(entry)]])));
}
