// The proof of the ledger head in a request (governance page 8): c2sp.org/tlog-proof@v1 of the record at size-1 of a
// checkpoint: `index`, path, checkpoint. The verifier knows only the pinned genesis: the origin must be a log of its store,
// the keys are those of the key chain. Refuses any other signature lines, a record that does not hash to the leaf.

import { type CheckpointAnswer, createLogVerifier, type LogKeyEra } from '../../audit/checkpoint.ts';
import { leafHash } from '../../audit/leaf.ts';
import { verifyInclusion } from '../../audit/proof.ts';
import { fromBase64, fromBase64Url, toBase64 } from '../../bytes/base64.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { formatVkey, NOTE_TYPES, parseNote } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import { type Authority, erasOf } from '../../governance/key-chain.ts';
import type { LogKeys } from '../../governance/names.ts';
import type { VerifyHead } from '../../governance/request.ts';
import type { CheckpointRef } from '../../governance/statement.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';

export function formatHeadProof(index: number, path: readonly Uint8Array[], note: Uint8Array): string {
  return `${[HEADER, `index ${index}`, ...path.map(toBase64)].join('\n')}\n\n${fromUtf8(note)!}`;
}

interface HeadProof {
  readonly index: number;
  readonly path: readonly Uint8Array[];
  readonly note: Uint8Array;
}

function parseHeadProof(text: string): HeadProof {
  const refuse = (): never => {
    throw new RonError('Malformed', 'head.tlog_proof is no tlog-proof', { field: 'head.tlog_proof' });
  };
  const end = text.indexOf('\n\n');
  const lines = text.slice(0, Math.max(0, end)).split('\n');
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines[1] ?? '')?.[1];
  if (end < 0 || lines[0] !== HEADER || index === undefined) return refuse();
  const path = lines.slice(2).map((line) => fromBase64(line, 32) ?? refuse());
  return { index: Number(index), path, note: utf8(text.slice(end + 2)) };
}

/**
 * The eras of the log keys for one origin, from the key chain alone, which does not say at which size the first checkpoint
 * behind a rotation stands.
 */
export function logErasOf(authority: Authority, origin: string): LogKeyEra[] {
  const vkeys = (keys: LogKeys): readonly string[] => [
    formatVkey(origin, NOTE_TYPES.ed25519, fromBase64Url(keys.ed25519)!),
    formatVkey(origin, NOTE_TYPES.mlDsa44Cosignature, fromBase64Url(keys.ml_dsa_44)!),
  ];
  return erasOf(authority, origin).map((era, index) => {
    const from = era.since === null || era.since.origin !== origin ? 0 : era.since.index + 1;
    return { from, vkeys: vkeys(era.logKeys), ...(index === 0 ? {} : { transition: 'behind' as const }) };
  });
}

/** Judges the note under the eras of the key chain. */
function checkNote(crypto: Crypto, authority: Authority, origin: string, note: Uint8Array): CheckpointAnswer {
  const keys = authority.serviceKeys;
  const serviceKeys = { ed25519: fromBase64Url(keys.ed25519)!, ml_dsa_65: fromBase64Url(keys.ml_dsa_65)! };
  return createLogVerifier({ origin, keys: logErasOf(authority, origin), serviceKeys, trust: 'pinned' }, crypto).check(
    note,
  );
}

/** The checkpoint of a note, when it is of a log of this store and verifies under the key chain; else null. */
export function checkpointOf(
  crypto: Crypto,
  authority: Authority,
  storeId: string,
  note: Uint8Array,
): CheckpointRef | null {
  const origin = parseNote(note, 'checkpoint').text.split('\n')[0] ?? '';
  if (!isLogOf(storeId, origin)) return null;
  const answer = checkNote(crypto, authority, origin, note);
  return answer.ok ? { origin, size: answer.checkpoint.size, root: toHex(answer.checkpoint.root) } : null;
}

const isLogOf = (storeId: string, origin: string): boolean => new RegExp(`/${storeId}/e[0-9]{1,9}$`).test(origin);

/** For verifyRequest; `storeId` is that of the pinned genesis. */
export function headVerifier(crypto: Crypto, storeId: string): VerifyHead {
  return ({ record, tlogProof }, authority) => {
    const { index, path, note } = parseHeadProof(tlogProof);
    const origin = parseNote(note, 'head.tlog_proof').text.split('\n')[0] ?? '';
    if (!isLogOf(storeId, origin)) {
      throw new RonError(
        'VerificationFailed',
        `the checkpoint in the request is of the log ${origin}, not of this store`,
        {
          field: 'head.tlog_proof',
        },
      );
    }
    const answer = checkNote(crypto, authority, origin, note);
    if (!answer.ok) {
      throw new RonError('VerificationFailed', `the checkpoint in the request: ${answer.message}`, {
        field: 'head.tlog_proof',
      });
    }
    const { size, root } = answer.checkpoint;
    if (index >= size || !verifyInclusion(index, size, leafHash(record), path, root)) {
      throw new RonError('VerificationFailed', 'the record in the request is not under its checkpoint', {
        field: 'head.record',
      });
    }
    return { origin, size, root: toHex(root), index };
  };
}
