// Exports as targets of `audit verify`: whose log one is, by the origin in its checkpoint, and whose keys may judge it: those
// of the pinned genesis of its store, or of this home when it is its own ungoverned log. An export brings no keys that count.

import type { TrustedLog } from '../../audit/checkpoint.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import type { Files } from '../../host.ts';
import { readLogFile } from '../../storage/audit-log-file.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import type { HomePaths } from '../../storage/home.ts';
import { listPins, readAuthority } from '../../storage/trust-pin.ts';
import { pinnedLog } from '../../storage/trusted-log.ts';

const ORIGIN = /^(.+)\/([0-9a-f]{32})\/e(0|[1-9][0-9]{0,8})$/;

export interface ParsedOrigin {
  readonly origin: string;
  readonly base: string;
  readonly storeId: string;
  readonly epoch: number;
}

/** Throws Malformed for the origin of a log that is not ours. */
export function parseOrigin(origin: string, what: string): ParsedOrigin {
  const found = ORIGIN.exec(origin);
  if (found === null) {
    throw new RonError(
      'Malformed',
      `${what}: ${JSON.stringify(origin.slice(0, 255))} is not the origin of a ronctl log`,
      {
        field: 'checkpoint-origin',
        hint: 'An origin is BASE/STORE_ID/eN.',
      },
    );
  }
  return { origin, base: found[1]!, storeId: found[2]!, epoch: Number(found[3]) };
}

/** The origin that an unverified note names in its first line; whether it is a note at all is judged with its signatures. */
export function claimedOrigin(note: Uint8Array, what: string): ParsedOrigin {
  const end = note.indexOf(0x0a);
  return parseOrigin(fromUtf8(note.subarray(0, Math.max(0, end))) ?? '', what);
}

/** The origin of the checkpoint in a directory; Inconclusive (`no-checkpoint`) when an export was never finished. */
export function originOfDirectory(files: Files, directory: string): ParsedOrigin {
  const path = `${directory}/checkpoint`;
  const note = files.read(path, NOTE_BYTES_MAX);
  if (note !== null) return claimedOrigin(note, path);
  throw new RonError('Inconclusive', `${directory} has no checkpoint: the export was not finished`, {
    field: 'no-checkpoint',
    hint: 'Run the export again; it completes what is there.',
  });
}

/** Null when this home trusts no keys for it. `isGoverned`: this home's own log.json counts for nothing then. */
export function trustedOrigin(
  deps: { readonly files: Files; readonly crypto: Crypto; readonly paths: HomePaths },
  of: ParsedOrigin,
  isGoverned: boolean,
): TrustedLog | null {
  const own = readLogFile(deps.files, deps.paths.audit);
  const epoch = own?.epochs.find((one) => one.origin === of.origin) ?? null;
  const pinned = listPins(deps)
    .map((pin) => readAuthority(deps, pin.ledger_id))
    .find((one) => one.genesis.genesis.store_id === of.storeId);
  if (pinned !== undefined) return pinnedLog(pinned.authority, of.origin, epoch?.keys ?? []);
  if (isGoverned || own === null || epoch === null) return null;
  // What a server says of itself authenticates nothing.
  if (deps.files.published?.own === false) return null;
  return { origin: of.origin, keys: epoch.keys, serviceKeys: own.serviceKeys, trust: 'local' };
}
