import { Type } from 'class-transformer';
import { Allow, IsArray, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class ListServicesRequest {}

export class ServiceStatus {
  @IsString() name!: string;
  @IsIn(['up', 'degraded', 'down']) status!: 'up' | 'degraded' | 'down';
  @IsOptional() @IsString() version?: string;
  @IsOptional() @IsInt() uptimeS?: number;
  /** Of the last health call over the bus. */
  @IsOptional() @Allow() latencyMs?: number;
  @IsOptional() @IsInt() memoryBytes?: number;
  /** Why it is not up. */
  @IsOptional() @IsString() detail?: string;
  /** When it was last asked, ISO 8601. */
  @IsString() checkedAt!: string;
}

export class ListServicesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => ServiceStatus) data!: ServiceStatus[];
}

/** How each service of the installation is: asked by the gateway every few seconds. */
export const listServices = defineContract({
  subject: 'sb.api-gateway.services.list',
  request: ListServicesRequest,
  reply: ListServicesReply,
  permission: 'services:read',
  callers: [],
  timeoutMs: 1_000,
  maxBytes: 64,
  idempotent: true,
});
