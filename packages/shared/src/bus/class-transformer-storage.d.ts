declare module 'class-transformer/cjs/storage.js' {
  import type { TransformationType } from 'class-transformer';

  /** What `@Type` and `@Transform` have recorded; the package exports it without types. */
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, field: string): { typeFunction: () => unknown; options: { discriminator?: object } } | undefined;
    findTransformMetadatas(target: unknown, field: string, type: TransformationType): object[];
  };
}
