// Parts that the kms views share: a key with its versions, and the note of a dry run.

import type { KeyInfo, Trust, VersionInfo } from '../../kms/ports.ts';
import { type Block, fields, line, type Tone, table } from '../../ui/text-model.ts';

const STATE_TONE: Readonly<Record<string, Tone>> = { compromised: 'bad', retired: 'warn' };

export function seconds(time: string | null): string {
  return time === null ? '-' : `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

const stateOf = (version: VersionInfo): string =>
  version.from_seq === undefined ? version.state : `${version.state} from record ${version.from_seq}`;

export function versionTable(versions: readonly VersionInfo[]): Block {
  return table(
    ['version', 'state', 'tracks', 'suite', 'created'],
    versions.map((one) => [
      `#v${one.n}`,
      stateOf(one),
      one.tracks.join(' + '),
      one.suite === undefined ? '-' : String(one.suite),
      seconds(one.created_at),
    ]),
  );
}

export function keyFields(key: KeyInfo): Block {
  return fields([
    ['key', key.kid, 'strong'],
    ['tenant', key.tenant],
    ['purpose', key.purpose],
    ['algorithm', key.alg],
    ['state', key.state, STATE_TONE[key.state] ?? 'plain'],
    ['newest version', `#v${key.version}`],
  ]);
}

export function publicKeyTable(versions: readonly VersionInfo[]): Block {
  return table(
    ['version', 'public key', 'sha256'],
    versions.flatMap((one) => Object.entries(one.pub).map(([member, digest]) => [`#v${one.n}`, member, digest])),
  );
}

export function trustBlocks(trust: Trust): readonly Block[] {
  if (trust === 'authenticated') return [];
  const text =
    trust === 'local'
      ? 'trust: local (no genesis is pinned; keys come from this home itself)'
      : 'trust: not authenticated (no verified checkpoint covers this)';
  return [line(text, 'warn')];
}

export function dryRunBlocks(isDryRun: boolean): readonly Block[] {
  return isDryRun ? [line('Dry run: every check passed, nothing was written.', 'dim')] : [];
}
