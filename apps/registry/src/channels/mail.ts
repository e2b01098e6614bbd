import { urlOf, type Message } from '../notifications/message.ts';

export interface Mail {
  subject: string;
  text: string;
  html: string;
}

/** A message as a mail, for people who read HTML and for those who do not. */
export function mailOf(message: Message, publicUrl: string): Mail {
  const { title, severity, kind } = message;
  const subject = severity === null || kind !== 'events' ? title : `[${severity}] ${title}`;
  return { subject: subject.replaceAll(/\s+/g, ' ').slice(0, 200), text: textOf(message, publicUrl), html: htmlOf(message, publicUrl) };
}

function textOf({ title, text, facts, sections, path }: Message, publicUrl: string): string {
  const parts = [title];
  if (text !== '') parts.push(text);
  if (facts.length > 0) parts.push(facts.map(({ name, value }) => `${name}: ${value}`).join('\n'));
  for (const section of sections) {
    const lines = section.lines.map((line) => {
      const url = line.path === undefined ? null : urlOf(publicUrl, line.path);
      return `- ${line.text}${url === null ? '' : `\n  ${url}`}`;
    });
    if (section.more > 0) lines.push(`- and ${section.more} more`);
    parts.push([section.title, ...lines].join('\n'));
  }
  const url = urlOf(publicUrl, path);
  if (url !== null) parts.push(url);
  return `${parts.join('\n\n')}\n`;
}

function htmlOf({ title, text, facts, sections, path }: Message, publicUrl: string): string {
  const link = (url: string | null, words: string): string =>
    url === null ? escaped(words) : `<a href="${escaped(url)}">${escaped(words)}</a>`;
  const parts = [`<h2>${escaped(title)}</h2>`];
  if (text !== '') parts.push(`<p>${escaped(text).replaceAll('\n', '<br>')}</p>`);
  if (facts.length > 0) {
    const rows = facts.map(({ name, value }) => `<tr><th align="left">${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
    parts.push(`<table cellpadding="4">${rows.join('')}</table>`);
  }
  for (const section of sections) {
    const lines = section.lines.map((line) => `<li>${link(line.path === undefined ? null : urlOf(publicUrl, line.path), line.text)}</li>`);
    if (section.more > 0) lines.push(`<li>and ${section.more} more</li>`);
    parts.push(`<h3>${escaped(section.title)}</h3><ul>${lines.join('')}</ul>`);
  }
  const url = urlOf(publicUrl, path);
  if (url !== null) parts.push(`<p>${link(url, 'Open in Signalbox')}</p>`);
  return `<!doctype html><html><body style="font-family: sans-serif">${parts.join('\n')}</body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
