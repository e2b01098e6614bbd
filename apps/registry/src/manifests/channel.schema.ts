import { channelTypes } from '@signalbox/shared/contracts/registry/channel.js';
import { metadataSchema, schemaHead } from './schema-parts.ts';

/** The whole text is one reference: nothing of an address or a credential stands in the manifest. */
const secret = { type: 'string', pattern: '^secret://[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$' };
const address = { type: 'string', maxLength: 320, pattern: '^(?:[^<>\\r\\n]{0,200} )?<?[^\\s@<>"(),;:]+@[^\\s@<>"(),;:]+>?$' };

/** The published JSON Schema of `kind: Channel`. */
export const channelSchema = {
  ...schemaHead('channel', 'Where notifications go.'),
  type: 'object',
  properties: {
    apiVersion: { const: 'signalbox.dev/v1' },
    kind: { const: 'Channel' },
    metadata: metadataSchema,
    spec: {
      type: 'object',
      properties: {
        type: { enum: channelTypes },
        url: { ...secret, description: 'With slack, teams and webhook: the secret that holds the https address.' },
        signingSecret: {
          ...secret,
          description: 'With webhook: the secret that holds the key of Standard Webhooks, `whsec_` and base64 of 24 to 64 bytes.',
        },
        host: {
          type: 'string',
          maxLength: 253,
          pattern: '^[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?$',
          description: 'With email: the SMTP server.',
        },
        port: { type: 'integer', minimum: 1, maximum: 65_535, description: 'With email; 587, with `tls: implicit` 465, if absent.' },
        tls: {
          enum: ['starttls', 'implicit', 'none'],
          description: 'With email; starttls if absent. `none` only to hosts of OUTBOUND_ALLOW_INTERNAL.',
        },
        user: { ...secret, description: 'With email: the secret that holds the user.' },
        password: { ...secret, description: 'With email: the secret that holds the password.' },
        from: { ...address, description: 'With email: as `Signalbox <signalbox@example.com>`.' },
        to: { type: 'array', minItems: 1, maxItems: 50, uniqueItems: true, items: address, description: 'With email.' },
      },
      required: ['type'],
      additionalProperties: false,
    },
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const;
