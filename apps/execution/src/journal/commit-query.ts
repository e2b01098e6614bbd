import type pg from 'pg';
import utils from 'pg/lib/utils.js';
import type { Statement } from './append-statement.ts';

/** What this speaks with: `pg` has more of it than its types tell. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  readonly parsedStatements: Readonly<Record<string, string>>;
  parse(statement: { name: string; text: string }): void;
  bind(values: { statement: string; values: unknown[]; valueMapper: (value: unknown) => unknown }): void;
  execute(portal: object): void;
  sync(): void;
}

/**
 * A commit to the journal on its way. `pg`'s own query asks with each execution what its columns are and makes objects of its rows; of a commit it is
 * known: the first column is the run.
 */
class CommitQuery implements pg.Submittable {
  readonly name: string;
  readonly text: string;
  private readonly values: unknown[];
  private readonly runs: string[] = [];

  constructor(
    { name, text, values }: Statement,
    /** `pg` calls it, and puts another in its place to bound the time. */
    public callback: (error: Error | null, runs?: string[]) => void,
  ) {
    this.name = name;
    this.text = text;
    this.values = values;
  }

  submit(connection: pg.Connection): void {
    const wire = connection as unknown as Wire;
    const { name: statement, text, values } = this;
    wire.stream.cork();
    try {
      if (wire.parsedStatements[statement] === undefined) wire.parse({ name: statement, text });
      wire.bind({ statement, values, valueMapper: utils.prepareValue });
      wire.execute({});
    } catch (thrown) {
      // The lane goes on with another connection.
      this.callback(thrown as Error);
    } finally {
      wire.sync();
      wire.stream.uncork();
    }
  }

  handleDataRow({ fields }: { fields: string[] }): void {
    this.runs.push(fields[0] as string);
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(null, this.runs);
  }
}

/** Runs a statement whose first column is a run's UUID: resolves with those, rejects with what PostgreSQL says or when the connection breaks. */
export function commitOn(client: pg.Client, statement: Statement): Promise<string[]> {
  return new Promise((resolve, reject) => {
    client.query(new CommitQuery(statement, (error, runs) => (error ? reject(error) : resolve(runs as string[]))));
  });
}
