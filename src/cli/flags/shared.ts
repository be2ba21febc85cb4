// Flags that several commands share: one definition each, so that text and meaning cannot drift (surface snapshot).

import { Flags } from '@oclif/core';
import { durationFlag } from './duration.ts';

/** Every mutating command (cli rule 6). */
export const dryRunFlag = Flags.boolean({ summary: 'run every check, write nothing, exit as the real run would' });

/** Commands that take the lock of a home or signer. */
export const lockTimeoutFlag = durationFlag({
  flag: '--lock-timeout',
  summary: 'how long to wait for the lock of another process [default: 5s]',
});

/** Overwriting files, nothing else. */
export const forceFlag = Flags.boolean({ summary: 'overwrite the output file' });

/** Harmless questions only; never a signature, a quorum or a verification (D-18). */
export const yesFlag = Flags.boolean({ char: 'y', summary: 'answer harmless questions with yes' });

/** Reads without authentication (cli rule 12). */
export const unsealFlag = Flags.boolean({
  summary: 'compare with what the store seals as well: head, manifest (opens it)',
});

export const strictFlag = Flags.boolean({ summary: 'exit 11 when the head is not covered by a verified checkpoint' });

export const outFlag = Flags.string({ summary: 'file to write; - is stdout', helpValue: 'FILE' });

/** Whose cosignatures count (log page 4.11). */
export const policyFlag = Flags.string({
  summary: 'witness policy (C2SP tlog-policy) [default: audit.policy_file of the configuration]',
  helpValue: 'FILE',
});

export const signerFlag = Flags.string({ summary: 'local signer (env RONCTL_SIGNER)', helpValue: 'ID' });

export const roleFlag = Flags.string({ summary: 'role of the signer in the signer set', helpValue: 'ROLE' });

/** Instead of retyping the end of the id (cli rule 4). */
export const expectDigestFlag = Flags.string({
  summary: 'full digest of what is meant, instead of retyping the end of its id',
  helpValue: 'sha256:HEX',
});

/** Commands that also run against a server (service page 4); spread into `static flags`. */
export const onlineFlags = {
  kms: Flags.string({
    summary: 'server to use, or none = this home, offline (env RONCTL_KMS)',
    helpValue: 'local|unix:PATH|URL|none',
    helpGroup: 'ONLINE',
  }),
  'token-file': Flags.string({
    summary: 'file (0600) with the capability for the server (env RONCTL_TOKEN_FILE)',
    helpValue: 'FILE',
    helpGroup: 'ONLINE',
  }),
  'unsafe-plain-loopback': Flags.boolean({
    summary: 'allow http://127.0.0.1, where any account of this machine may answer',
    helpGroup: 'ONLINE',
  }),
};

/** Commands that a server carries out, as one request (cli rule 6). */
export const explainFlag = Flags.boolean({
  summary: 'print the equivalent HTTP request and the caveats it needs; do nothing',
  helpGroup: 'ONLINE',
});

export const tenantFlag = Flags.string({ summary: 'tenant; upper case is folded', helpValue: 'ID' });

export const scopeFlag = Flags.string({ summary: 'global, or one tenant', helpValue: 'global|tenant:ID' });

/** Commands that append (governance page 11). */
export const confirmTimeFlag = Flags.boolean({
  summary: 'the clock is right although it is over 7 days beyond the newest entry',
});
