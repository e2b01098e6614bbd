import { Allow } from 'class-validator';
import { Opaque } from '@signalbox/shared/bus/opaque.js';

/** A manifest: `apiVersion`, `kind`, `metadata`, `spec`. The published JSON Schema of its kind (`/api/v1/schemas`) says what is in it. */
export class ManifestBody {
  @Allow() @Opaque() apiVersion?: unknown;
  @Allow() @Opaque() kind?: unknown;
  @Allow() @Opaque() metadata?: unknown;
  @Allow() @Opaque() spec?: unknown;
}
