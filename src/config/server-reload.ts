// What a reload changes (CFG-50 to CFG-52): the keys, a redacted difference, and which of them only a start takes over. The
// audited `config` record has the names and the digest of the configuration, never a value.

import { canonicalBytes, canonicalText } from '../bytes/canonical-json.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { LoadedServerConfig, ServerConfig } from './server-config.ts';
import { type ServerKey, serverKeys } from './server-keys.ts';
import { memberOf } from './server-merge.ts';
import { toText } from './server-value.ts';

export interface ReloadChange {
  readonly key: string;
  /** As text; `unset`, and `<redacted>` where the value says where a secret is. */
  readonly from: string;
  readonly to: string;
  /** Where the new value stands. */
  readonly origin: string;
}

export interface Reload {
  /** Every key that differs, in the order of the file. */
  readonly changed: readonly string[];
  readonly diff: readonly ReloadChange[];
  /** Those that a running server does not take over. */
  readonly disruptive: readonly string[];
  /** Of the new configuration, 64 hex. */
  readonly config_sha256: string;
}

function shown(row: ServerKey, config: ServerConfig): string {
  const value = memberOf(config, row.member);
  if (value === null || value === '') return 'unset';
  return row.redacted === true ? '<redacted>' : toText(row.type, value);
}

/** SHA-256 of the canonical JSON of the configuration. Nothing in it is a secret. */
export function configSha256(config: ServerConfig): string {
  return sha256Hex(canonicalBytes(config));
}

type Loaded = Pick<LoadedServerConfig, 'config' | 'origins'>;

/** What changes from `before` to `after`; a reload with `disruptive` keys is refused as a whole or waits for a restart. */
export function reloadOf(before: Loaded, after: Loaded): Reload {
  const rows = serverKeys().filter(
    ({ member }) => canonicalText(memberOf(before.config, member)) !== canonicalText(memberOf(after.config, member)),
  );
  return {
    changed: rows.map(({ key }) => key),
    diff: rows.map((row) => ({
      key: row.key,
      from: shown(row, before.config),
      to: shown(row, after.config),
      origin: after.origins.get(row.key) ?? 'default',
    })),
    disruptive: rows.filter(({ disruptive }) => disruptive === true).map(({ key }) => key),
    config_sha256: configSha256(after.config),
  };
}
