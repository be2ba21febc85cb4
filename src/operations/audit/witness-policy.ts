// The witness policy that an operator names (`--policy`, `[audit] policy_file`), read and linted against everybody whose key
// this home knows: signers and auditors of pinned ledgers, signers of this home, service and log keys.

import { createPolicyJudge, type PolicyJudge } from '../../audit/policy-judge.ts';
import type { KnownKey } from '../../audit/policy-lint.ts';
import { requirePolicy } from '../../audit/policy-lint.ts';
import { fromBase64Url } from '../../bytes/base64.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { parseVkey } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import type { PublicKeys } from '../../governance/names.ts';
import type { Files } from '../../host.ts';
import { readLogFile } from '../../storage/audit-log-file.ts';
import type { HomePaths } from '../../storage/home.ts';
import { readSignerBundle, signerIds } from '../../storage/signer-bundle-file.ts';
import { listPins, readAuthority } from '../../storage/trust-pin.ts';

/** A policy file as it was given. */
export interface PolicySource {
  readonly bytes: Uint8Array;
  /** For errors. */
  readonly name: string;
}

export interface PolicyDeps {
  readonly files: Files;
  readonly paths: HomePaths;
  readonly crypto: Crypto;
}

const pair = (whose: string, keys: PublicKeys): KnownKey[] =>
  [keys.ed25519, keys.ml_dsa_65].map((key) => ({ whose, publicKey: fromBase64Url(key)! }));

function pinnedKeys(deps: PolicyDeps): KnownKey[] {
  return listPins(deps).flatMap((pin) => {
    const { authority } = readAuthority(deps, pin.ledger_id);
    const people = authority.sets.flatMap((set) => [...set.members, ...(set.auditor === null ? [] : [set.auditor])]);
    return [
      ...people.flatMap((one) => pair(`signer ${one.id}`, one.keys)),
      ...authority.serviceEras.flatMap((keys) => pair('the service', keys)),
      ...authority.logEras.flatMap(({ logKeys }) =>
        [logKeys.ed25519, logKeys.ml_dsa_44].map((key) => ({ whose: 'the log', publicKey: fromBase64Url(key)! })),
      ),
    ];
  });
}

/** What cannot be read is judged elsewhere; it is only left out of the comparison. */
function readOr<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof RonError) return [];
    throw error;
  }
}

function localKeys(deps: PolicyDeps): KnownKey[] {
  const signers = signerIds(deps).flatMap((id) =>
    readOr(() => pair(`signer ${id}`, readSignerBundle(deps, id).bundle.keys)),
  );
  const own = readOr(() => {
    const file = readLogFile(deps.files, deps.paths.audit);
    if (file === null) return [];
    const { ed25519, ml_dsa_65 } = file.serviceKeys;
    const vkeys = file.epochs.flatMap((epoch) => epoch.keys.flatMap((era) => era.vkeys));
    return [
      ...[ed25519, ml_dsa_65].map((publicKey) => ({ whose: 'the service', publicKey })),
      ...vkeys.map((vkey) => ({ whose: 'the log', publicKey: parseVkey(vkey).publicKey })),
    ];
  });
  return [...signers, ...own];
}

/** Throws Malformed (3) naming every wrong line. */
export function readPolicyFile(deps: PolicyDeps, source: PolicySource): PolicyJudge {
  const policy = requirePolicy(source.bytes, source.name, [...pinnedKeys(deps), ...localKeys(deps)]);
  return createPolicyJudge(policy, deps.crypto, source.name);
}
