import { Module, type DynamicModule } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { AuditStore } from './audit/audit.store.ts';
import { AuditWriter } from './audit/audit-writer.ts';
import { Checkpoints } from './audit/checkpoints.ts';
import { ListAuditHandler } from './audit/list-audit.handler.ts';
import { recordAuditHandlers } from './audit/record-audit.handler.ts';
import { RecordDenialsHandler } from './audit/record-denials.handler.ts';
import { VerifyAuditHandler } from './audit/verify-audit.handler.ts';
import { CreationStore } from './creations/creation.store.ts';
import { CredentialHasher } from './credentials/credential-hasher.ts';
import { CreateGrantHandler } from './grants/create-grant.handler.ts';
import { GrantStore } from './grants/grant.store.ts';
import { RevokeGrantHandler } from './grants/revoke-grant.handler.ts';
import { CredentialStore } from './identities/credential.store.ts';
import { IdentityReader } from './identities/identity-reader.ts';
import { IssueIdentityHandler } from './identities/issue-identity.handler.ts';
import { LastUse } from './identities/last-use.ts';
import { Housekeeping } from './installation/housekeeping.ts';
import { AdminKeyImport } from './installation/import-admin-key.ts';
import { CreateKeyHandler } from './keys/create-key.handler.ts';
import { KeyMaker } from './keys/key-maker.ts';
import { KeyStore } from './keys/key.store.ts';
import { ListKeysHandler } from './keys/list-keys.handler.ts';
import { RevokeKeyHandler } from './keys/revoke-key.handler.ts';
import { CreatePrincipalHandler } from './principals/create-principal.handler.ts';
import { GetPrincipalHandler } from './principals/get-principal.handler.ts';
import { ListPrincipalsHandler } from './principals/list-principals.handler.ts';
import { PrincipalStore } from './principals/principal.store.ts';
import { UpdatePrincipalHandler } from './principals/update-principal.handler.ts';
import { ListRevocationsHandler } from './revocations/list-revocations.handler.ts';
import { Revocations } from './revocations/revocations.ts';
import { MasterKey } from './sealing/master-key.ts';
import { unlock } from './sealing/unlock.ts';
import { DataKeys } from './secrets/data-keys.ts';
import { FindSecretHandler } from './secrets/find-secret.handler.ts';
import { ListSecretsHandler } from './secrets/list-secrets.handler.ts';
import { RemoveSecretHandler } from './secrets/remove-secret.handler.ts';
import { ResolveSecretHandler } from './secrets/resolve-secret.handler.ts';
import { RotateDataKeyHandler } from './secrets/rotate-data-key.handler.ts';
import { SecretChanges } from './secrets/secret-changes.ts';
import { SecretStore } from './secrets/secret.store.ts';
import { SetSecretHandler } from './secrets/set-secret.handler.ts';
import { SecurityConfig } from './security.config.ts';
import { CreateSessionHandler } from './sessions/create-session.handler.ts';
import { EndSessionHandler } from './sessions/end-session.handler.ts';
import { SessionStore } from './sessions/session.store.ts';
import { GetSigningKeysHandler } from './signing/get-signing-keys.handler.ts';
import { KeyRing } from './signing/key-ring.ts';
import { SigningKeyStore } from './signing/signing-key.store.ts';
import { CreateWorkspaceHandler } from './workspaces/create-workspace.handler.ts';
import { ListWorkspacesHandler } from './workspaces/list-workspaces.handler.ts';
import { WorkspaceStore } from './workspaces/workspace.store.ts';

@Module({})
export class SecurityModule {
  static forRoot(config: SecurityConfig): DynamicModule {
    return {
      module: SecurityModule,
      imports: [ServiceModule.forRoot({ name: 'security', config, entities: [] })],
      controllers: [
        ...recordAuditHandlers,
        RecordDenialsHandler,
        ListAuditHandler,
        VerifyAuditHandler,
        CreateGrantHandler,
        RevokeGrantHandler,
        IssueIdentityHandler,
        CreateKeyHandler,
        ListKeysHandler,
        RevokeKeyHandler,
        CreatePrincipalHandler,
        GetPrincipalHandler,
        ListPrincipalsHandler,
        UpdatePrincipalHandler,
        ListRevocationsHandler,
        CreateSessionHandler,
        EndSessionHandler,
        GetSigningKeysHandler,
        CreateWorkspaceHandler,
        ListWorkspacesHandler,
        SetSecretHandler,
        ListSecretsHandler,
        RemoveSecretHandler,
        ResolveSecretHandler,
        FindSecretHandler,
        RotateDataKeyHandler,
      ],
      providers: [
        CreationStore,
        { provide: MasterKey, inject: [SystemDatabase], useFactory: (system: SystemDatabase) => unlock(config.masterKeyFile, system) },
        {
          provide: CredentialHasher,
          inject: [SystemDatabase, MasterKey],
          useFactory: (system: SystemDatabase, masterKey: MasterKey) => CredentialHasher.load(system, masterKey),
        },
        {
          provide: KeyRing,
          inject: [SystemDatabase, MasterKey],
          useFactory: (system: SystemDatabase, masterKey: MasterKey) => new KeyRing(new SigningKeyStore(system), masterKey, now),
        },
        AdminKeyImport,
        AuditStore,
        AuditWriter,
        Checkpoints,
        CredentialStore,
        DataKeys,
        GrantStore,
        Housekeeping,
        IdentityReader,
        KeyMaker,
        KeyStore,
        LastUse,
        PrincipalStore,
        Revocations,
        SecretChanges,
        SecretStore,
        SessionStore,
        WorkspaceStore,
      ],
    };
  }
}
