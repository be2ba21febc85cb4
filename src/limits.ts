// One table of limits: value, unit and reason. Bounds of governable keys are in policy/registry.ts.

export const LIMITS = {
  /** A signed file (proposal, statement, ...), before parsing; governance page 6. */
  signedFileBytes: 1024 * 1024,
  /** Request and proof carry whole chains; governance page 6. */
  requestFileBytes: 16 * 1024 * 1024,
  /** Payload of a signed object; governance page 6. */
  payloadBytes: 64 * 1024,
  changes: 32,
  attachments: 16,
  attachmentBytes: 5 * 1024 * 1024,
  rationaleBytes: 4096,
  commentBytes: 1024,
  openProposals: 100,
  openProposalsPerAuthor: 20,
  /** Records in one dispute, and disputes of one claimant: they stay in the state of the ledger. */
  disputeRefs: 256,
  disputesPerClaimant: 1000,
  /** Kept free for freeze, unfreeze, signer-set-change, key-compromised. */
  reservedProposals: 10,
  inboxFiles: 1000,
  refusedFiles: 100,
  /** Signatures in one envelope (R-45 a). */
  envelopeSignatures: 32,
  /** Nesting of canonical JSON (governance page 1). */
  jsonDepth: 16,
  /** One audit record line (log page 4.3). */
  auditLineBytes: 16_384,
  auditSegmentRecords: 65_536,
  auditBatchRecords: 512,
  /** Whatever a server is configured to (`limits.audit_queue`). */
  auditQueueRecords: 65_536,
  /** A server's newest checkpoint may be this old (log page 4.6). */
  servedCheckpointAgeMs: 300_000,
  /** Request of a witness, and its answer (log page 4.11). */
  witnessBodyBytes: 256 * 1024,
  ledgerSegmentLines: 4096,
  sealedHeaderBytes: 4096,
  sealedRecordBytes: 4 * 1024 * 1024,
  passphraseBytes: 1024,
  /** Whole-file reads of small state files. */
  stateFileBytes: 64 * 1024 * 1024,
  /** `inspect` reads at most this much of a file that is no segment. */
  inspectBytes: 1024 * 1024,
  /** Payload file of `kms sign` and `kms verify` (streamed; only hashed). */
  wrapPlaintextMin: 16,
  wrapPlaintextMax: 64,
  /** Kid, X-Wing encapsulation and ciphertext, rounded up; keys page 7. */
  wrapEnvelopeBytes: 2048,
  bundleSignatures: 8,
  /** Kids that one `sign` may choose from; keys page 4. */
  kidSet: 16,
  /** Mutations that run or wait at the same time; they write one after the other anyway. */
  inflightMutations: 128,
  /** Files of one `submit`. */
  submitFiles: 8,
  /** Opened private keys kept by one process; keys page 8. */
  keyCacheEntries: 256,
  kidBytes: 189,
  keyVersionMax: 2 ** 31,
  /** A capability token, its caveats and the parts that texts stand in (service page 2, R-23). */
  capabilityBytes: 4096,
  capabilityCaveats: 32,
  capabilityIdentifierBytes: 512,
  capabilityCaveatBytes: 512,
  capabilityLocationBytes: 256,
  /** No capability lives longer; roots verify this long after their successor was made. */
  capabilityLifeMs: 24 * 3600 * 1000,
  capabilityOnceLifeMs: 10 * 60 * 1000,
  /** A capability root older than this is reported as degraded (C-30). */
  capabilityRootDays: 30,
  operatorCapabilityMs: 12 * 3600 * 1000,
  /** Parsed and verified tokens kept by one process. */
  capabilityCacheEntries: 4096,
  lockTimeoutMs: 5000,
  /** Timed facts of one boot are compared with this allowance. */
  clockSlackMs: 20,
  /** A new entry may run at most this far ahead of the newest one (governance page 11). */
  timeJumpMs: 7 * 24 * 3600 * 1000,
} as const;
