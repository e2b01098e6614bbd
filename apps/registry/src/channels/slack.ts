import type { KnownBlock, MrkdwnElement } from '@slack/types';
import { cut, urlOf, type Message } from '../notifications/message.ts';

/** Limits of Block Kit (docs.slack.dev, Blocks): characters of a header, a section and a field; fields of a section. */
const headerMax = 150;
const sectionMax = 3_000;
const fieldMax = 2_000;
const fieldsMax = 10;
/** Blocks of a message. */
const blocksMax = 50;

/** What an incoming webhook takes: `text` is for notifications and old clients. */
export interface SlackMessage {
  text: string;
  blocks: KnownBlock[];
}

const signs = { critical: '🔴', high: '🟠', medium: '🟡', low: '🔵' } as const;

/** A message as Block Kit. */
export function slackMessage(message: Message, publicUrl: string): SlackMessage {
  const { title, severity, text, facts, sections, path } = message;
  const head = severity === null ? title : `${signs[severity]} ${title}`;
  const blocks: KnownBlock[] = [{ type: 'header', text: { type: 'plain_text', text: cut(head, headerMax), emoji: true } }];
  if (text !== '') blocks.push({ type: 'section', text: mrkdwn(escaped(text), sectionMax) });
  if (facts.length > 0) {
    const fields = facts.slice(0, fieldsMax).map(({ name, value }) => mrkdwn(`*${escaped(name)}*\n${escaped(value)}`, fieldMax));
    blocks.push({ type: 'section', fields });
  }
  for (const section of sections) {
    const lines = section.lines.map((line) => {
      const url = line.path === undefined ? null : urlOf(publicUrl, line.path);
      return `• ${url === null ? escaped(line.text) : `<${url}|${escaped(line.text).replaceAll('|', '¦')}>`}`;
    });
    blocks.push(...sectionBlocks(`*${escaped(section.title)}*`, section.more > 0 ? [...lines, `_and ${section.more} more_`] : lines));
  }
  const url = urlOf(publicUrl, path);
  blocks.splice(blocksMax - 1);
  if (url !== null) blocks.push({ type: 'context', elements: [mrkdwn(`<${url}|Open in Signalbox>`, sectionMax)] });
  return { text: cut(escaped(head), sectionMax), blocks };
}

/** Whole lines, in as many blocks as they need: one that is cut would break its link. */
function sectionBlocks(title: string, lines: readonly string[]): KnownBlock[] {
  const texts: string[] = [];
  let current = title;
  for (const line of lines) {
    if (current.length + line.length + 1 > sectionMax) {
      texts.push(current);
      current = cut(line, sectionMax);
    } else current = `${current}\n${line}`;
  }
  return [...texts, current].map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }));
}

function mrkdwn(text: string, max: number): MrkdwnElement {
  return { type: 'mrkdwn', text: cut(text, max) };
}

/** The three signs that mean something to Slack: nobody can be mentioned by the name of an agent. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
