import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containmentLevels, type Containment } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';
import { IsArray, IsIn, IsInt, IsString, Max, Min } from 'class-validator';

/** What `mcp-server` needs beside what every service needs. */
export class McpServerConfig extends ServiceConfig {
  /** Each stdio server has a folder of its own below this one: its home, and where it may write. */
  @IsString() stateDir = join(tmpdir(), 'signalbox-mcp-servers');

  /** Folders that no server ever sees, as the one with the installation's keys. */
  @IsArray() @IsString({ each: true }) hiddenDirs: string[] = [];

  /** What relative paths in commands, `cwd` and `roots` are relative to. */
  @IsString() commandCwd = process.cwd();

  /** How well stdio servers are contained where the host can. */
  @IsIn(containmentLevels) containment: Containment = 'strong';

  /** Servers that cannot be contained this well are not started. */
  @IsIn(containmentLevels) containmentMinimum: Containment = 'none';

  /** Internal hosts and networks that streamable HTTP servers may be at: `127.0.0.1:3001`, `tools.internal`, `10.1.0.0/16`. */
  @IsArray() @IsString({ each: true }) outboundAllowInternal: string[] = [];

  /** The largest message that a server may send, in bytes. */
  @IsInt() @Min(65_536) @Max(256 * 1024 * 1024) messageMaxBytes = 16 * 1024 * 1024;

  /** Where programs are looked for, and how they write text and time: all that a server gets of our own environment. */
  @IsString() path = '/usr/local/bin:/usr/bin:/bin';
  @IsString() lang = '';
  @IsString() tz = '';
}
