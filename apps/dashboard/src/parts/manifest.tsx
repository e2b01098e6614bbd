import type { ReactNode } from 'react';
import { stringify } from 'yaml';
import { Code } from './code.tsx';

/** A manifest as the YAML that people write. */
export default function Manifest({ value, name }: { value: unknown; name: string }): ReactNode {
  return <Code text={stringify(value, { lineWidth: 100, aliasDuplicateObjects: false })} label={`Manifest of ${name}`} />;
}
