import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);

/** The program of a package that is an MCP server: what its `bin` names. */
function programOf(name: string): string {
  // Packages need not export their package.json: it is found from where the package is.
  const folder = require.resolve
    .paths(name)!
    .map((path) => join(path, name))
    .find((path) => isPackage(path));
  if (!folder) throw new Error(`${name} is not installed`);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: string | Record<string, string> };
  return join(folder, typeof bin === 'string' ? bin : Object.values(bin)[0]!);
}

function isPackage(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'package.json'), 'utf8') !== '';
  } catch {
    return false;
  }
}

/** Real MCP servers, unmodified from npm: what to start them with over stdio. */
export const mcpServers = {
  /** Tools, resources and prompts of every kind that the protocol has. */
  everything: (transport: 'stdio' | 'streamableHttp' = 'stdio'): string[] => [
    process.execPath,
    programOf('@modelcontextprotocol/server-everything'),
    transport,
  ],
  /** Reads and writes files below these folders alone. */
  filesystem: (...folders: string[]): string[] => [process.execPath, programOf('@modelcontextprotocol/server-filesystem'), ...folders],
  /** Entities and relations; the file that keeps them is named by the variable MEMORY_FILE_PATH. */
  memory: (): string[] => [process.execPath, programOf('@modelcontextprotocol/server-memory')],
} as const;

/** The folder of this package's installed dependencies, for servers that a test writes itself. */
export const testkitFolder = dirname(dirname(new URL(import.meta.url).pathname));
