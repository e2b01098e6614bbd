import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Workspace } from './workspace.ts';

export class ListWorkspacesRequest extends PageRequest {}

export class ListWorkspacesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Workspace) data!: Workspace[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Workspaces by name: all of them for administrators of the installation, for others their own. */
export const listWorkspaces = defineContract({
  subject: 'sb.security.workspace.list',
  request: ListWorkspacesRequest,
  reply: ListWorkspacesReply,
  permission: 'workspaces:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
