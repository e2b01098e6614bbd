import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { AddEvidenceRequest } from '@signalbox/shared/contracts/registry/add-evidence.js';
import { ownMetricPattern, sourcePattern } from '@signalbox/shared/contracts/registry/metric-name.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { readJunit } from './junit.ts';
import { readLcov } from './lcov.ts';
import { readMetricsFile } from './metrics-file.ts';
import type { Reading } from './reading.ts';
import { readSarif } from './sarif.ts';

/** Bytes of a report: reading as much takes about a tenth of a second, in which beats wait. */
export const reportBytesMax = 4 * 1024 * 1024;

export interface ReadEvidence {
  bytes: number;
  hash: string;
  metrics: Record<string, number>;
  findings: string[];
  source: string;
}

/** What a file of evidence says; `invalid` with the line where it is wrong. */
export function readEvidence(request: Pick<AddEvidenceRequest, 'format' | 'content' | 'encoding' | 'suite' | 'source'>): ReadEvidence {
  const { format, suite } = request;
  if (suite !== undefined && (format === 'lcov' || format === 'json')) {
    throw wrong('/suite', 'is for JUnit and SARIF reports', 'Leave it out.');
  }
  if (format === 'sarif' && suite !== undefined && ownMetricPattern.test(`${suite}.`)) {
    throw wrong('/suite', 'names what Signalbox measures itself', 'Give it another name.');
  }
  const file = bytesOf(request);
  const text = textOf(file);
  const reading = read(format, text, suite);
  const source = request.source ?? reading.source ?? suite ?? format;
  if (!sourcePattern.test(source)) throw wrong('/source', 'is missing, and the name of the scanner cannot be one', 'Say a source.');
  return {
    bytes: file.length,
    hash: `sha256:${createHash('sha256').update(file).digest('hex')}`,
    metrics: reading.metrics,
    findings: reading.findings,
    source,
  };
}

function read(format: AddEvidenceRequest['format'], text: string, suite: string | undefined): Reading {
  switch (format) {
    case 'junit':
      return readJunit(text, suite ?? 'unit');
    case 'lcov':
      return readLcov(text);
    case 'sarif':
      return readSarif(text, suite ?? 'security');
    case 'json':
      return readMetricsFile(text);
  }
}

function bytesOf({ content, encoding = 'text' }: Pick<AddEvidenceRequest, 'content' | 'encoding'>): Buffer {
  if (encoding === 'text') return Buffer.from(content, 'utf8');
  try {
    return gunzipSync(Buffer.from(content, 'base64'), { maxOutputLength: reportBytesMax });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Fault('invalid', `the report has more than ${reportBytesMax} bytes`, 'Send it in parts, each with a source of its own.', {
        status: 413,
        cause,
      });
    }
    throw wrong('/content', 'is not gzip in base64', 'Compress it with gzip, then encode it.', cause);
  }
}

function textOf(file: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch (cause) {
    throw wrong('/content', 'is not UTF-8', 'Convert the report to UTF-8.', cause);
  }
}

function wrong(pointer: string, detail: string, next: string, cause?: unknown): Fault {
  return new Fault('invalid', `${pointer}: ${detail}`, next, { errors: [{ pointer, detail }], cause });
}
