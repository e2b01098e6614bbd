import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { KnownBlock } from '@slack/types';
import { AdaptiveCard, SerializationContext, Versions } from 'adaptivecards';
import { Ajv } from 'ajv';
import { Webhook } from 'standardwebhooks';
import type { Message } from '../notifications/message.ts';
import type { Notice } from '../notifications/notice.ts';
import { mailOf } from './mail.ts';
import { slackMessage } from './slack.ts';
import { teamsMessage } from './teams.ts';
import { webhookBody, webhookHeaders } from './webhook.ts';

const url = 'https://signalbox.example/';

/** All that a message may hold, and text that means something to Slack, Markdown and HTML. */
const message: Message = {
  kind: 'events',
  title: 'analyst <!channel> & *more*: given-up',
  severity: 'critical',
  text: 'It ended <b>six</b> times.\nSee [here](https://evil.example).',
  facts: [
    { name: 'Agent', value: 'analyst' },
    { name: 'On call', value: 'ann <@U1>' },
  ],
  sections: [{ title: 'What happened', lines: [{ text: 'a | b', path: '/incidents/1' }, { text: 'c' }], more: 3 }],
  path: '/incidents/1',
};
const long: Message = {
  ...message,
  title: 'x'.repeat(900),
  facts: Array.from({ length: 40 }, (_, index) => ({ name: `Fact ${index}`, value: 'y'.repeat(3_000) })),
  sections: [{ title: 'All', lines: Array.from({ length: 200 }, () => ({ text: 'z'.repeat(900), path: '/runs/1' })), more: 0 }],
};

describe('Slack', () => {
  test('gets blocks in which nobody is called by the name of an agent', () => {
    const { text, blocks } = slackMessage(message, url);
    const typed: KnownBlock[] = blocks;
    expect(typed.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'section', 'context']);
    expect(text).toBe('🔴 analyst &lt;!channel&gt; &amp; *more*: given-up');
    expect(JSON.stringify(typed.slice(1))).not.toMatch(/<[!@]/);
    expect(JSON.stringify(typed)).toContain('<https://signalbox.example/incidents/1|a ¦ b>');
    expect(JSON.stringify(typed)).toContain('_and 3 more_');
  });

  test('gets no more than a message may have', () => {
    const { blocks } = slackMessage(long, url);
    expect(blocks.length).toBeLessThanOrEqual(50);
    expect(blocks.at(-1)!.type).toBe('context');
    for (const block of blocks) {
      if (block.type === 'header') expect(block.text.text.length).toBeLessThanOrEqual(150);
      if (block.type !== 'section') continue;
      expect(block.text?.text.length ?? 0).toBeLessThanOrEqual(3_000);
      expect(block.fields?.length ?? 0).toBeLessThanOrEqual(10);
      for (const field of block.fields ?? []) expect(field.text.length).toBeLessThanOrEqual(2_000);
    }
  });
});

describe('Teams', () => {
  const schema = JSON.parse(readFileSync(new URL('../../test/adaptive-card.schema.json', import.meta.url), 'utf8')) as object;
  const ajv = new Ajv({ strict: false, validateSchema: false });
  const fits = ajv.compile(schema);

  test.each([
    ['one event', message],
    ['more than a message may have', long],
  ])('gets a card that its schema and its own reader take: %s', (_, given) => {
    const made = teamsMessage(given, url);
    const [{ contentType, content }] = made.attachments;
    expect([made.type, contentType]).toEqual(['message', 'application/vnd.microsoft.card.adaptive']);
    expect(fits(content) ? [] : fits.errors).toEqual([]);
    const context = new SerializationContext(Versions.v1_4);
    const card = new AdaptiveCard();
    card.parse(content, context);
    expect(Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message)).toEqual([]);
    expect(card.getItemCount()).toBe(content.body.length);
    expect(card.validateProperties().validationEvents).toEqual([]);
    expect(Buffer.byteLength(JSON.stringify(made))).toBeLessThan(28_000);
  });

  test('reads no link in the text of others', () => {
    expect(JSON.stringify(teamsMessage(message, url))).not.toContain('[here](');
  });
});

describe('a mail', () => {
  test('has one line as its subject, and says the same as text and as HTML', () => {
    const { subject, text, html } = mailOf({ ...message, title: 'two\r\nBcc: x@example.com' }, url);
    expect(subject).toBe('[critical] two Bcc: x@example.com');
    expect(text).toContain('- a | b\n  https://signalbox.example/incidents/1');
    expect(html).toContain('<a href="https://signalbox.example/incidents/1">a | b</a>');
    expect(html).toContain('It ended &lt;b&gt;six&lt;/b&gt; times.');
    expect(mailOf(message, '').html).not.toContain('<a ');
  });
});

describe('a webhook', () => {
  const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const notice: Notice = {
    ...{ event: 'incident.given-up', severity: 'critical', title: 'analyst: given-up', text: 'six times', subject: 'incident 1' },
    ...{ agents: ['analyst'], facts: [], path: '/incidents/1', at: 1_000 },
  };
  const delivery = { id: 'ntf_1', rule: 'on-call', at: 0, message, notices: [notice], events: 1 };

  test('is verified by the library of Standard Webhooks, and by no other key', () => {
    const body = webhookBody(delivery, url);
    const headers = webhookHeaders(key, 'ntf_1', body, Date.now());
    expect(new Webhook(key).verify(body, headers)).toMatchObject({
      type: 'incident.given-up',
      timestamp: '1970-01-01T00:00:00.000Z',
      data: {
        id: 'ntf_1',
        rule: 'on-call',
        severity: 'critical',
        events: [{ agents: ['analyst'], at: '1970-01-01T00:00:01.000Z' }],
        more: 0,
      },
    });
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    expect(() => new Webhook(other).verify(body, headers)).toThrow('No matching signature');
    expect(() => new Webhook(key).verify(`${body} `, headers)).toThrow('No matching signature');
  });

  test('says of several events and of a digest what it is', () => {
    expect(JSON.parse(webhookBody({ ...delivery, events: 4 }, ''))).toMatchObject({
      type: 'notification.group',
      data: { more: 3, url: null },
    });
    expect(JSON.parse(webhookBody({ ...delivery, message: { ...message, kind: 'digest' }, notices: [] }, url))).toMatchObject({
      type: 'notification.digest',
      data: { sections: [{ title: 'What happened', more: 3 }] },
    });
  });

  test('needs a key that is one', () => {
    for (const bad of ['short', 'whsec_AAAA', '', '!'.repeat(60)]) {
      expect(() => webhookHeaders(bad, 'ntf_1', '{}', 0)).toThrow('is no key of Standard Webhooks');
    }
  });
});
