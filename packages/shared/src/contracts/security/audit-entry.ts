import { IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min } from 'class-validator';

/** One link of the chained record of who did what. */
export class AuditEntry {
  @IsString() id!: string;
  /** Position in the workspace's chain, from 1 and without gaps. */
  @IsInt() @Min(1) seq!: number;
  @IsISO8601() at!: string;
  /** The service that wrote it down. */
  @IsString() service!: string;
  @IsString() principal!: string;
  @IsString() name!: string;
  /** `<resource>.<verb>`, as `agent.apply`. */
  @IsString() action!: string;
  /** What was changed, as `agent analyst`. */
  @IsString() target!: string;
  @IsIn(['allowed', 'denied']) outcome!: 'allowed' | 'denied';
  @IsOptional() @IsObject() detail?: Record<string, unknown>;
  /** SHA-256 over the hash before and the entry as canonical JSON (RFC 8785). */
  @Matches(/^[0-9a-f]{64}$/) hash!: string;
}
