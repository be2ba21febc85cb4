// Flags of `kms serve`: those of the table of ron-kms.toml (CONFIG.md 6), which judges their values, and what is about one
// start only (service pages 3 and 8).

import { type Command, Flags } from '@oclif/core';
import { serverFlags } from '../../config/server-flags.ts';
import type { ServerFlags } from '../../config/server-sources.ts';
import { passphraseFlags } from './passphrase.ts';
import { confirmTimeFlag, lockTimeoutFlag } from './shared.ts';

const GROUP = { helpGroup: 'CONFIGURATION' };

const configFlags = (): Record<string, Command.Flag.Any> =>
  Object.fromEntries(
    serverFlags().map(({ name, boolean, helpValue, summary }) => [
      name,
      boolean ? Flags.boolean({ summary, ...GROUP }) : Flags.string({ summary, helpValue, ...GROUP }),
    ]),
  );

export const serveFlags = {
  ...configFlags(),
  config: Flags.string({
    summary: 'server configuration, TOML or JSON (env RON_KMS_CONFIG)',
    helpValue: 'FILE',
    ...GROUP,
  }),
  genesis: Flags.string({ summary: 'genesis that an amnesia server is governed by', helpValue: 'FILE' }),
  ledger: Flags.string({ summary: 'its ledger; - is standard input', helpValue: 'FILE' }),
  'ledger-proof': Flags.string({
    summary: 'tlog-proof of the server that kept the ledger, which names its head',
    helpValue: 'FILE',
  }),
  'expect-ledger-head': Flags.string({
    summary: 'hash of the last ledger line, where no proof says it',
    helpValue: 'sha256:HEX',
  }),
  spool: Flags.string({
    summary: 'where an amnesia server appends checkpoints and new ledger lines; - is standard output',
    helpValue: 'FILE',
  }),
  'operator-cap': Flags.string({
    summary: 'where the capability of the operator is written (0600) [default: run/operator.cap]',
    helpValue: 'FILE',
  }),
  ...passphraseFlags,
  'confirm-time': confirmTimeFlag,
  'lock-timeout': lockTimeoutFlag,
};

/** `config` and the flags of the table, as they were typed. */
export function configFlagsOf(flags: Readonly<Record<string, unknown>>): ServerFlags {
  const names = ['config', ...serverFlags().map(({ name }) => name)];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = flags[name];
      return typeof value === 'string' || typeof value === 'boolean' ? [[name, value]] : [];
    }),
  );
}
