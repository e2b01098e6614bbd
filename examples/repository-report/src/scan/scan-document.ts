/** What one Markdown file shows. */
export interface DocumentScan {
  title: string | null;
  words: number;
  headings: number;
  /** Relative targets of its links, without anchors. */
  links: string[];
}

/** Reads a Markdown text; what stands in code fences is neither heading nor link. */
export function scanDocument(text: string): DocumentScan {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1.*$/gm, '').replace(/`[^`\n]*`/g, ' ');
  const headings = [...prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)];
  const links = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)]
    .map((match) => (match[1] as string).replace(/[#?].*$/, ''))
    .filter((target) => target !== '' && !/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(target));
  return {
    title: headings[0]?.[1]?.trim() ?? null,
    words: (prose.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu) ?? []).length,
    headings: headings.length,
    links: [...new Set(links)].sort(),
  };
}
