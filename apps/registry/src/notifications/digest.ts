import { cut, type Message, type MessageLine, type MessageSection } from './message.ts';
import { digestSections, type DigestSection } from './rule-spec.ts';

/** Lines of a section that are shown; the rest is counted. */
const linesMax = 15;
const lineMax = 500;

/** What each section has to say, the most important first. */
export type DigestFacts = Record<DigestSection, MessageLine[]>;

const titles: Record<DigestSection, string> = {
  deployed: 'Deployed',
  blocked: 'Blocked',
  failed: 'Failed',
  decisions: 'Needs a decision',
};

/** The digest of a period (epoch milliseconds); null: there is nothing to say, and nobody asked for one then. */
export function digestMessage(
  facts: DigestFacts,
  { sections = digestSections, evenIfEmpty = false }: { sections?: readonly DigestSection[]; evenIfEmpty?: boolean },
  period: { from: number; to: number },
): Message | null {
  const asked = digestSections.filter((section) => sections.includes(section));
  const full = asked.filter((section) => facts[section].length > 0);
  if (full.length === 0 && !evenIfEmpty) return null;
  const counts = full.map((section) => `${facts[section].length} ${section === 'decisions' ? 'to decide' : section}`);
  return {
    kind: 'digest',
    title: `Digest: ${counts.join(', ') || 'nothing happened'}`,
    severity: null,
    text: `From ${minute(period.from)} to ${minute(period.to)} (UTC).`,
    facts: [],
    sections: full.map((section) => sectionOf(titles[section], facts[section])),
    path: '/',
  };
}

export function sectionOf(title: string, lines: readonly MessageLine[]): MessageSection {
  const shown = lines.slice(0, linesMax).map((line) => ({ ...line, text: cut(line.text, lineMax) }));
  return { title, lines: shown, more: lines.length - shown.length };
}

function minute(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
