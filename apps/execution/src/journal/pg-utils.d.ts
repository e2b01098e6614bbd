declare module 'pg/lib/utils.js' {
  const utils: {
    /** A value as a parameter of a statement; exported without types. */
    prepareValue(value: unknown): unknown;
  };
  export default utils;
}
