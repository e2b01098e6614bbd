/** What the analyst finds in one unit. Small: all units together are one task's input. */
export interface PackageFacts {
  id: string;
  folder: string;
  /** The name in its manifest, else its id. */
  name: string;
  description: string | null;
  hasManifest: boolean;
  files: number;
  lines: { code: number; comments: number; blank: number; tests: number };
  languages: { language: string; files: number; lines: number }[];
  tests: { files: number; cases: number };
  exports: { total: number; documented: number; kinds: Record<string, number>; undocumented: string[] };
  /** Packages imported, by bare name, with how many files do so, tests apart. */
  uses: { name: string; files: number; testFiles: number }[];
  /** Relative imports that leave the unit: `file → target`, both from the folder's parent. */
  reaches: string[];
  dependencies: { runtime: Record<string, string>; development: Record<string, string> };
  markers: { count: number; first: { file: string; line: number; text: string }[] };
  largest: { file: string; lines: number }[];
  documents: { files: number; words: number; brokenLinks: string[]; titles: string[] };
  commands: string[];
  /** Binary or generated files, and files that could not be read. */
  notRead: number;
}
