// Flags of `kms serve`: those of the table of ron-kms.toml (CONFIG.md 6), which judges their values, and what is about one
// start only (service pages 3 and 8).

import { Flags } from '@oclif/core';
import { serverKeys } from '../../config/server-keys.ts';
import { passphraseFlags } from './passphrase.ts';
import { confirmTimeFlag, lockTimeoutFlag } from './shared.ts';

const HELP_VALUE: Readonly<Record<string, string>> = {
  boolean: '',
  socket: 'HOST:PORT',
  duration: 'DURATION',
  integer: 'N',
  size: 'SIZE',
  path: 'PATH',
};

type StringFlag = ReturnType<typeof Flags.string>;
type BooleanFlag = ReturnType<typeof Flags.boolean>;

/** By name without `--`; one for each row that has a flag. */
function configFlags(): Readonly<Record<string, StringFlag | BooleanFlag>> {
  const out: Record<string, StringFlag | BooleanFlag> = {};
  for (const { flag, type, summary } of serverKeys()) {
    if (flag === undefined) continue;
    const helpGroup = 'CONFIGURATION';
    if (type.kind === 'boolean') out[flag] = Flags.boolean({ summary, helpGroup });
    else {
      const helpValue = type.kind === 'choice' ? type.values.join('|') : (HELP_VALUE[type.kind] ?? 'VALUE');
      out[flag] = Flags.string({ summary, helpGroup, helpValue });
    }
  }
  return out;
}

export const serveFlags = {
  ...configFlags(),
  config: Flags.string({
    summary: 'server configuration, TOML or JSON (env RON_KMS_CONFIG)',
    helpValue: 'FILE',
    helpGroup: 'CONFIGURATION',
  }),
  genesis: Flags.string({ summary: 'genesis that an amnesia server is governed by', helpValue: 'FILE' }),
  ledger: Flags.string({ summary: 'its ledger; - is standard input', helpValue: 'FILE' }),
  'expect-ledger-head': Flags.string({
    summary: 'hash of the last ledger line that is expected, where no checkpoint says it',
    helpValue: 'HEX',
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
