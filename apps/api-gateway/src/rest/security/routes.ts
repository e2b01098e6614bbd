import type { Type } from '@nestjs/common';
import { CreateKeyRoute } from './create-key.route.ts';
import { CreatePrincipalRoute } from './create-principal.route.ts';
import { CreateWorkspaceRoute } from './create-workspace.route.ts';
import { DisablePrincipalRoute } from './disable-principal.route.ts';
import { GetPrincipalRoute } from './get-principal.route.ts';
import { ListAuditRoute } from './list-audit.route.ts';
import { ListKeysRoute } from './list-keys.route.ts';
import { ListPrincipalsRoute } from './list-principals.route.ts';
import { ListWorkspacesRoute } from './list-workspaces.route.ts';
import { ListSecretsRoute } from './list-secrets.route.ts';
import { RemoveSecretRoute } from './remove-secret.route.ts';
import { RotateDataKeyRoute } from './rotate-data-key.route.ts';
import { SetSecretRoute } from './set-secret.route.ts';
import { RevokeKeyRoute } from './revoke-key.route.ts';
import { SignInRoute } from './sign-in.route.ts';
import { SignOutRoute } from './sign-out.route.ts';
import { UpdatePrincipalRoute } from './update-principal.route.ts';
import { VerifyAuditRoute } from './verify-audit.route.ts';
import { WhoAmIRoute } from './who-am-i.route.ts';

/** The REST routes of `security`: one controller an operation, `<operation>.route.ts`. */
export const securityRoutes: Type[] = [
  WhoAmIRoute,
  SignInRoute,
  SignOutRoute,
  CreateKeyRoute,
  ListKeysRoute,
  RevokeKeyRoute,
  CreatePrincipalRoute,
  ListPrincipalsRoute,
  GetPrincipalRoute,
  UpdatePrincipalRoute,
  DisablePrincipalRoute,
  ListAuditRoute,
  VerifyAuditRoute,
  CreateWorkspaceRoute,
  ListWorkspacesRoute,
  SetSecretRoute,
  ListSecretsRoute,
  RemoveSecretRoute,
  RotateDataKeyRoute,
];
