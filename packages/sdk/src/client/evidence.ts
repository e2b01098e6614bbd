import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** What CI can send. */
export type ReportFormat = 'junit' | 'lcov' | 'sarif' | 'json';
/** `eval`: what an eval found out; `live`: what the registry measured by itself. */
export type EvidenceFormat = ReportFormat | 'eval' | 'live';

/** What was found out about one version of an agent. */
export interface Evidence {
  id: string;
  agent: string;
  version: number;
  format: EvidenceFormat;
  /** Where it comes from; of one source the newest counts, of several the worst. */
  source: string;
  /** SHA-256 of the report. */
  hash: string;
  bytes: number;
  metrics: { metric: string; value: number }[];
  /** The first few things that went wrong in it. */
  findings: string[];
  by: string;
  byName: string;
  createdAt: string;
  expiresAt: string;
  expired: boolean;
}

/** A report that is added. */
export interface Report {
  agent: string;
  /** Absent: the current one. */
  version?: number | undefined;
  format: ReportFormat;
  /** The report itself, at most 4 MiB. */
  content: string;
  /** JUnit: which tests they are (`unit` if absent); SARIF: which scan (`security` if absent). */
  suite?: string | undefined;
  source?: string | undefined;
}

export interface EvidenceQuery extends ListQuery {
  agent: string;
  version?: number | undefined;
  format?: EvidenceFormat | undefined;
  metric?: string | undefined;
  source?: string | undefined;
  expired?: boolean | undefined;
}

/** Reports beyond so many characters are sent compressed. */
const plainMax = 65_536;

/** `/evidence`: what was found out about versions of agents. It is only ever added. */
export class EvidenceBook {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** The newest first. */
  list(query: EvidenceQuery, options: RequestOptions = {}): Pages<Evidence> {
    return new Pages(this.#http, '/evidence', { ...query }, options);
  }

  /** Has a version measured, the current one if absent, by what its manifest says and its calls did. */
  measure(agent: string, version?: number, options: RequestOptions = {}): Promise<{ added: Evidence[]; lacks: string[] }> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/measure`, body: { version }, ...options });
  }

  /** Reads a report and keeps what it says. A report that cannot be used is refused with the line where it is wrong. */
  async add(report: Report, options: RequestOptions = {}): Promise<Evidence> {
    const isLarge = report.content.length > plainMax;
    const body = isLarge ? { ...report, content: await gzip(report.content), encoding: 'gzip' } : report;
    return this.#http.json({ method: 'POST', path: '/evidence', body, ...options });
  }
}

/** Compressed, in base64. */
async function gzip(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  let binary = '';
  for (const byte of new Uint8Array(await new Response(stream).arrayBuffer())) binary += String.fromCharCode(byte);
  return btoa(binary);
}
