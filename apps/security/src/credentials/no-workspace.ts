/** The nil UUID: a transaction for it sees no workspace's rows. Look-ups of credentials run so, and the installation's own audit is kept under it. */
export const noWorkspace = '00000000-0000-0000-0000-000000000000';
