import { IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';

/** What `security` needs beside what every service does. */
export class SecurityConfig extends ServiceConfig {
  /**
   * The key of the installation's administrator (`ADMIN_KEY`): any text of 24 characters or more that starts with `sbx_`. Only its hash is kept;
   * starting with another one replaces it. Empty: the one imported before stays.
   */
  @Matches(/^(?:sbx_[\x21-\x7e]{20,507})?$/, { message: 'must start with sbx_ and have 24 to 511 visible characters' })
  adminKey = '';

  /**
   * File of 32 bytes in base64 that only this service may read (`MASTER_KEY_FILE`): it seals what is secret in the database, and is in no backup
   * of it. Made on the first start if it is missing.
   */
  @IsString() @MinLength(1) @MaxLength(4_096) masterKeyFile = 'master.key';

  /**
   * File outside the database where the ends of the audit's chains are noted each minute, signed (`AUDIT_CHECKPOINT_FILE`). Empty: in the log alone, and
   * `signalbox audit verify` has nothing to compare a rebuilt chain with.
   */
  @IsString() @MaxLength(4_096) auditCheckpointFile = '';
}
