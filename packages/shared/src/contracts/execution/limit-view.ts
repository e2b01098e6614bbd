import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { PlaceHolder } from './why-run.ts';

/** `runs`: what workflows name under `spec.limits`; `limit`: what their steps do; the others are queues of who or what does the work. */
export const limitKinds = ['runs', 'limit', 'agent', 'model', 'tool', 'artifact', 'state'] as const;
export type LimitKind = (typeof limitKinds)[number];

/** How often one may begin: `max` in `perMs` milliseconds, of which `burst` at once. */
export class LimitRateView {
  @IsInt() max!: number;
  @IsInt() perMs!: number;
  @IsInt() burst!: number;
  /** How many may begin now. */
  @IsInt() left!: number;
  /** When the next may begin, ISO 8601; null: now. */
  @IsOptional() @IsString() nextAt!: string | null;
}

/** A limit, or the queue of an agent, a model, a server's tools or of artifacts, as it stands. */
export class LimitView {
  @IsIn(limitKinds) kind!: LimitKind;
  /** The limit's name, the agent, the model or the server; empty for artifacts. */
  @IsString() name!: string;
  /** Of a limit, which one of its name; empty: the one for all. Null for queues. */
  @IsOptional() @IsString() key!: string | null;
  /** How many may be under way at once; null: as many as there are. */
  @IsOptional() @IsInt() concurrency!: number | null;
  @IsOptional() @ValidateNested() @Type(() => LimitRateView) rate!: LimitRateView | null;
  @IsInt() waiting!: number;
  @IsInt() running!: number;
  /** Since when the one that has waited longest waits, ISO 8601; null: nothing waits. */
  @IsOptional() @IsString() oldestAt!: string | null;
  /** Who has its places, at most ten. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => PlaceHolder) holders!: PlaceHolder[];
}

/** How the workspaces share what is called by all of them: agents by HTTP, A2A and MCP, models, tools, artifacts. */
export class CalledShare {
  /** Under way at once, of all workspaces. */
  @IsInt() places!: number;
  /** At most, of one workspace. */
  @IsInt() most!: number;
  /** Under way now, of this workspace. */
  @IsInt() running!: number;
}
