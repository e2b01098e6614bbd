declare module 'class-transformer/cjs/storage.js' {
  /** What `@Type` has recorded; the package has no types for it. */
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, property: string): { typeFunction(): new () => object } | undefined;
  };
}
