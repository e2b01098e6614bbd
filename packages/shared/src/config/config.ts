import { readFileSync } from 'node:fs';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';

type Environment = Record<string, string | undefined>;

/** The name of the environment variable of a property: `managementPort` is `MANAGEMENT_PORT`. */
function variableOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Configuration that cannot be used: every fault at once, each with the variable's name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly faults: string[]) {
    super(`the configuration cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/**
 * Reads a configuration class from the environment. Properties' defaults are their initial values; numbers and booleans are converted by the
 * declared type, lists are split at commas. `NAME_FILE` names a file that holds the value of `NAME`, as containers mount secrets. Throws a
 * ConfigError that names every fault.
 */
export function loadConfig<T extends object>(type: new () => T, environment: Environment = process.env): T {
  const target = new type();
  const read: Record<string, unknown> = {};
  for (const property of Object.keys(target)) {
    const variable = variableOf(property);
    const file = environment[`${variable}_FILE`];
    const text = file && !(`${property}File` in target) ? readSecret(variable, file) : environment[variable];
    if (text === undefined || text === '') continue;
    const fallback = (target as Record<string, unknown>)[property];
    read[property] = convert(text, fallback);
  }
  const config = plainToInstance(type, { ...target, ...read }, { exposeDefaultValues: true });
  const faults = validateSync(config).flatMap((error) =>
    Object.values(error.constraints ?? { unknown: 'is not usable' }).map((sentence) => `${variableOf(error.property)}: ${sentence}`),
  );
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

function readSecret(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ConfigError([`${variable}_FILE: ${(error as Error).message}`]);
  }
}

function convert(text: string, fallback: unknown): unknown {
  if (typeof fallback === 'number') return Number(text);
  if (typeof fallback === 'boolean') return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  if (Array.isArray(fallback)) return text.split(',').map((part) => part.trim());
  return text;
}
