// Flags of every command that writes a proposal, beside what it proposes (governance page 6).

import { Flags } from '@oclif/core';
import { ingestFlags, unsealFlags } from './governance.ts';
import { forceFlag, onlineFlags, outFlag, roleFlag, signerFlag } from './shared.ts';

export const proposalFlags = {
  rationale: Flags.string({ summary: 'why; shown to every approver', helpValue: 'TEXT' }),
  expires: Flags.string({ summary: 'when it expires, at most 7 days [default: 24h]', helpValue: 'DURATION|TIME' }),
  window: Flags.string({ summary: 'change window', helpValue: 'START/END|START+DURATION|now+DURATION' }),
  risk: Flags.string({ summary: 'risk, never below the computed floor', helpValue: 'low|medium|high[:TEXT]' }),
  rollback: Flags.string({ summary: 'pre-authorised way back', helpValue: 'KEY=VALUE[,...]|none' }),
  'rollback-valid': Flags.string({
    summary: 'how long it may be used after execution [default: 24h]',
    helpValue: 'DURATION',
  }),
  attach: Flags.string({ summary: 'evidence', helpValue: 'KIND=FILE', multiple: true, multipleNonGreedy: true }),
  'new-tenant': Flags.boolean({ summary: 'the tenant does not exist yet' }),
  signer: signerFlag,
  role: roleFlag,
  ...ingestFlags,
  out: outFlag,
  force: forceFlag,
  ...onlineFlags,
  ...unsealFlags,
};
