/** Languages by the ending of a file's name. */
const byEnding: Record<string, string> = {
  ts: 'TypeScript',
  tsx: 'TypeScript',
  mts: 'TypeScript',
  cts: 'TypeScript',
  js: 'JavaScript',
  jsx: 'JavaScript',
  mjs: 'JavaScript',
  cjs: 'JavaScript',
  json: 'JSON',
  jsonc: 'JSON',
  yaml: 'YAML',
  yml: 'YAML',
  md: 'Markdown',
  mdx: 'Markdown',
  css: 'CSS',
  html: 'HTML',
  svg: 'SVG',
  sql: 'SQL',
  sh: 'Shell',
  py: 'Python',
  rs: 'Rust',
  go: 'Go',
  java: 'Java',
  kt: 'Kotlin',
  rb: 'Ruby',
  c: 'C',
  h: 'C',
  cpp: 'C++',
  hpp: 'C++',
  cs: 'C#',
  php: 'PHP',
  swift: 'Swift',
  toml: 'TOML',
  txt: 'Text',
};

/** Files whose bytes are no text. */
const binary =
  /\.(?:png|jpe?g|gif|webp|avif|ico|bmp|woff2?|ttf|otf|eot|pdf|zip|gz|tgz|xz|bz2|zst|7z|jar|wasm|node|so|dylib|dll|exe|mp[34]|mov|webm|ogg|wav|sqlite|db)$/i;
/** Text that a program wrote: it says nothing of how the people work. */
const generated =
  /(?:^|\/)(?:pnpm-lock\.yaml|package-lock\.json|yarn\.lock|Cargo\.lock|poetry\.lock|uv\.lock|go\.sum)$|\.min\.(?:js|css)$|\.map$|\.tsbuildinfo$/;

export function languageOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^Dockerfile/.test(name)) return 'Dockerfile';
  return byEnding[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'Other';
}

export function isScript(path: string): boolean {
  return /\.(?:[mc]?[jt]s|[jt]sx)$/.test(path);
}

/** Languages whose lines are counted as code. */
export function isCode(language: string): boolean {
  return !['JSON', 'YAML', 'Markdown', 'SVG', 'TOML', 'Text', 'Other'].includes(language);
}

export function isReadable(path: string): boolean {
  return !binary.test(path) && !generated.test(path);
}

/** Whether a file holds tests, by the conventions of its language. */
export function isTestFile(path: string): boolean {
  return /\.(?:test|spec)\.(?:[mc]?[jt]s|[jt]sx)$|\/(?:tests?|__tests__)\/.*\.(?:[mc]?[jt]s|[jt]sx)$|(?:^|\/)test_[^/]+\.py$|_test\.(?:py|go)$|(?:^|\/)tests?\/[^/]+\.rs$/.test(
    path,
  );
}

/** The comment signs of other languages, for counting. */
const lineComment: Record<string, RegExp> = {
  Python: /^\s*#/,
  Shell: /^\s*#(?!!)/,
  Ruby: /^\s*#/,
  YAML: /^\s*#/,
  TOML: /^\s*#/,
  Dockerfile: /^\s*#/,
  SQL: /^\s*--/,
  CSS: /^\s*(?:\/\*|\*)/,
  HTML: /^\s*<!--/,
};
const slashes = /^\s*(?:\/\/|\/\*|\*)/;

/** Lines of a text in any other language. */
export function countLines(text: string, language: string): { code: number; comments: number; blank: number } {
  const sign = lineComment[language] ?? (isCode(language) ? slashes : null);
  const counts = { code: 0, comments: 0, blank: 0 };
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    if (line.trim() === '') counts.blank++;
    else if (sign?.test(line)) counts.comments++;
    else counts.code++;
  }
  return counts;
}
