import type { Append } from './append.ts';
import { encodeBody, type Blob } from './body.ts';

/** A row with its bytes: encoded once, however often it has to be sent. */
export interface EncodedAppend {
  append: Append;
  body: Buffer;
  blobs: Blob[];
}

export function encode(append: Append): EncodedAppend {
  return { append, ...encodeBody(append.transitions) };
}
