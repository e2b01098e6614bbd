import { cut, urlOf, type Message } from '../notifications/message.ts';

/** A message may have 28 KB with all that is around it. */
const cardMaxBytes = 24_000;
const textMax = 2_000;

interface TextBlock {
  type: 'TextBlock';
  text: string;
  wrap: true;
  size?: 'large' | 'medium';
  weight?: 'bolder';
  color?: 'attention' | 'warning' | 'accent' | 'default';
}

interface FactSet {
  type: 'FactSet';
  facts: { title: string; value: string }[];
}

/** An Adaptive Card (adaptivecards.io, version 1.4: the one that Teams shows everywhere). */
export interface AdaptiveCard {
  $schema: 'http://adaptivecards.io/schemas/adaptive-card.json';
  type: 'AdaptiveCard';
  version: '1.4';
  body: (TextBlock | FactSet)[];
  actions?: { type: 'Action.OpenUrl'; title: string; url: string }[];
  msteams: { width: 'Full' };
}

/** What an incoming webhook of Teams, or a workflow's, takes. */
export interface TeamsMessage {
  type: 'message';
  attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive'; contentUrl: null; content: AdaptiveCard }];
}

const colors = { critical: 'attention', high: 'warning', medium: 'accent', low: 'default' } as const;

/** A message as an Adaptive Card in its envelope. Lines that have no room are counted. */
export function teamsMessage(message: Message, publicUrl: string): TeamsMessage {
  for (let linesMax = 100; ; linesMax = Math.floor(linesMax / 2)) {
    const made = withLines(message, publicUrl, linesMax);
    if (linesMax === 0 || Buffer.byteLength(JSON.stringify(made)) <= cardMaxBytes) return made;
  }
}

function withLines({ title, severity, text, facts, sections, path }: Message, publicUrl: string, linesMax: number): TeamsMessage {
  const body: AdaptiveCard['body'] = [
    {
      type: 'TextBlock',
      text: plain(cut(title, 300)),
      wrap: true,
      size: 'large',
      weight: 'bolder',
      ...(severity !== null && { color: colors[severity] }),
    },
  ];
  if (text !== '') body.push({ type: 'TextBlock', text: plain(cut(text, textMax)), wrap: true });
  if (facts.length > 0) {
    body.push({
      type: 'FactSet',
      facts: facts.slice(0, 20).map(({ name, value }) => ({ title: plain(name), value: plain(cut(value, 500)) })),
    });
  }
  for (const section of sections) {
    body.push({ type: 'TextBlock', text: plain(section.title), wrap: true, size: 'medium', weight: 'bolder' });
    const shown = section.lines.slice(0, linesMax).map((line) => {
      const url = line.path === undefined ? null : urlOf(publicUrl, line.path);
      return `- ${url === null ? plain(cut(line.text, 500)) : `[${plain(cut(line.text, 500))}](${url})`}`;
    });
    const more = section.more + section.lines.length - shown.length;
    if (more > 0) shown.push(`- and ${more} more`);
    body.push({ type: 'TextBlock', text: shown.join('\r'), wrap: true });
  }
  const url = urlOf(publicUrl, path);
  const content: AdaptiveCard = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body,
    ...(url !== null && { actions: [{ type: 'Action.OpenUrl' as const, title: 'Open in Signalbox', url }] }),
    msteams: { width: 'Full' },
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }] };
}

/** Text of others, without the signs of Markdown that a card reads: no link but ours, no heading. */
function plain(text: string): string {
  return text.replaceAll(/[\\`*_[\]()#<>]/g, (sign) => `\\${sign}`).replaceAll(/[\r\n]+/g, ' ');
}
