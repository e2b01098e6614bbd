import { Type } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, MinLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { CreateKeyReply } from './create-key.ts';
import { Principal } from './principal.ts';
import { Workspace } from './workspace.ts';

export class CreateWorkspaceRequest {
  @Matches(namePattern) name!: string;
  @IsOptional() @IsString() @MaxLength(200) title?: string;
  /** Name of its first administrator; absent: `admin`. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) administrator?: string;
}

export class CreateWorkspaceReply {
  @ValidateNested() @Type(() => Workspace) workspace!: Workspace;
  @ValidateNested() @Type(() => Principal) administrator!: Principal;
  /** The administrator's key, shown here and never again. */
  @ValidateNested() @Type(() => CreateKeyReply) key!: CreateKeyReply;
}

/** Makes a workspace with its first administrator. Only for administrators of the installation, others get `forbidden`. */
export const createWorkspace = defineContract({
  subject: 'sb.security.workspace.create',
  request: CreateWorkspaceRequest,
  reply: CreateWorkspaceReply,
  permission: 'workspaces:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 2_048,
  idempotent: false,
  errors: ['conflict'],
});
