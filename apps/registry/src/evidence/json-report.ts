import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { badReport } from './reading.ts';

const ajv = new Ajv2020({ allErrors: false, strict: true, strictTypes: false });

/** Reads JSON of one shape. The schema is compiled when it is first needed. */
export function jsonReader<Report>(format: string, schema: object, next: string): (text: string) => Report {
  let check: ValidateFunction<Report> | undefined;
  return (text) => {
    check ??= ajv.compile<Report>(schema);
    const value = parse(format, text, next);
    if (!check(value)) throw badReport(format, faultText(check.errors?.[0]), next);
    return value;
  };
}

function parse(format: string, text: string, next: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const { message } = error as Error;
    const place = /line (\d+) column (\d+)/.exec(message);
    const detail = `is no JSON: ${message.replace(/ in JSON at position.*| \(line.*/s, '')}`.slice(0, 300);
    if (place) throw badReport(format, detail, next, { line: Number(place[1]), column: Number(place[2]) });
    // The end of a text that was cut has no position.
    throw badReport(format, detail, next, { line: text.split('\n').length });
  }
}

function faultText(error: ErrorObject | undefined): string {
  if (error === undefined) return 'it has another shape';
  const { additionalProperty, propertyName } = error.params as { additionalProperty?: string; propertyName?: string };
  const key = additionalProperty ?? propertyName ?? '';
  return `${error.instancePath || 'it'} ${error.message ?? 'has another shape'}${key && `: ${key.slice(0, 80)}`}`;
}
