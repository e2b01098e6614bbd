import { secretMinLength } from '../contracts/security/secret.ts';

/** Values kept for scrubbing; what was not used for longest goes. More than a process of ours has in use. */
const valuesMax = 500;
/** Lines of one value that are looked for by themselves, as those of a private key; shorter ones are too common. */
const linesMax = 200;
const lineMinLength = 16;

interface Form {
  text: string;
  shown: string;
}

/** By the value itself, the one used last at the end. */
const live = new Map<string, Form[]>();
/** All forms, the longest first, so that no part of one stays. */
let forms: readonly Form[] = [];

/** From now on the value is replaced by `[secret:NAME]` in all that this process tells others or writes down. */
export function keepOut(name: string, value: string): void {
  const known = live.get(value);
  if (known) {
    live.delete(value);
    live.set(value, known);
    return;
  }
  const shown = `[secret:${name}]`;
  live.set(
    value,
    formsOf(value).map((text) => ({ text, shown })),
  );
  for (const oldest of live.keys()) {
    if (live.size <= valuesMax) break;
    live.delete(oldest);
  }
  forms = [...live.values()].flat().sort((a, b) => b.text.length - a.text.length);
}

const credentialHeaders = /auth|key|token|secret|cookie|password/i;

/** Likewise credentials that stand in headers themselves, without their scheme. */
export function keepHeadersOut(headers: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(headers)) {
    const value = text.slice(text.lastIndexOf(' ') + 1);
    if (credentialHeaders.test(name) && value.length >= secretMinLength) keepOut(`header ${name.toLowerCase()}`, value);
  }
}

/** How a value may stand in a text: as it is, and as JSON (also within a text in JSON), URLs and base64 of it and around it have it. */
function formsOf(value: string): string[] {
  const lines = value
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= lineMinLength && line !== value);
  const escaped = jsonEscaped(value);
  const url = encodeURIComponent(value);
  return [
    ...new Set([
      ...[value, escaped, jsonEscaped(escaped)],
      ...[url, url.replaceAll('%20', '+'), url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
      ...base64Of(value),
      ...lines.slice(0, linesMax),
    ]),
  ];
}

function jsonEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What base64 has of the value wherever it begins among other bytes, as in `user:password`: the characters that come from it alone. */
function base64Of(value: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const inner = bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** Text without the values of secrets. */
export function withoutSecrets(text: string): string {
  let clean = text;
  for (const form of forms) if (clean.includes(form.text)) clean = clean.replaceAll(form.text, form.shown);
  return clean;
}

/** JSON without the values of secrets, in names and numbers, too. It is read only where it holds one. */
export function jsonWithoutSecrets(json: string): string {
  if (!forms.some(({ text }) => json.includes(text))) return json;
  return JSON.stringify(clean(JSON.parse(json)));
}

/** A value as JSON has it without the values of secrets; the same one where it holds none. */
export function dataWithoutSecrets<T>(data: T): T {
  if (forms.length === 0 || data === undefined) return data;
  const json = JSON.stringify(data);
  const cleaned = jsonWithoutSecrets(json);
  return cleaned === json ? data : (JSON.parse(cleaned) as T);
}

function clean(data: unknown): unknown {
  if (typeof data === 'string') return withoutSecrets(data);
  if (typeof data === 'number') {
    const text = withoutSecrets(String(data));
    return text === String(data) ? data : text;
  }
  if (Array.isArray(data)) return data.map(clean);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [withoutSecrets(name), clean(value)]));
}
