import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

export interface Artifact {
  id: string;
  name: string;
  mediaType: string;
  size: number;
  sha256: string;
  run: string | null;
  step: string | null;
  createdAt: string;
  createdBy: string;
}

export interface ArtifactQuery extends ListQuery {
  run?: string | undefined;
  name?: string | undefined;
}

/** `/artifacts`: what is large or kept, such as reports. */
export class Artifacts {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ArtifactQuery = {}, options: RequestOptions = {}): Pages<Artifact> {
    return new Pages(this.#http, '/artifacts', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<Artifact> {
    return this.#http.json({ method: 'GET', path: path`/artifacts/${id}`, ...options });
  }

  /** The content as a response, to be read as a stream, as text or as bytes. */
  content(id: string, options: RequestOptions = {}): Promise<Response> {
    return this.#http.send({ method: 'GET', path: path`/artifacts/${id}/content`, accept: '*/*', ...options });
  }

  /** The content as text. */
  async text(id: string, options: RequestOptions = {}): Promise<string> {
    const response = await this.content(id, options);
    return response.text();
  }

  remove(id: string, options: RequestOptions = {}): Promise<unknown> {
    return this.#http.json({ method: 'DELETE', path: path`/artifacts/${id}`, ...options });
  }

  /** Keeps a blob; `run` and `step` say what made it. */
  create(
    artifact: {
      name: string;
      mediaType: string;
      content: string | Uint8Array<ArrayBuffer>;
      run?: string | undefined;
      step?: string | undefined;
    },
    options: CreateOptions = {},
  ): Promise<Artifact> {
    const { name, mediaType, content, run, step } = artifact;
    return this.#http.json({
      method: 'POST',
      path: '/artifacts',
      query: { name, run, step },
      body: content,
      contentType: mediaType,
      creates: true,
      ...options,
    });
  }
}
