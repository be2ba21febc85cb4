// What other logs have in the formats that ours are of: signature types that ronctl does not offer (0x02, 0x05) are refused as
// keys and passed over in notes; the notes, tiles and roots of sunlight; keys with any byte cut or changed; proofs about
// subtrees, as far as our verifier has them (inclusion anywhere, consistency of those that begin at 0).

import { it } from 'vitest';
import { parseBody } from '../../src/audit/checkpoint.ts';
import { verifyConsistency, verifyInclusion } from '../../src/audit/proof.ts';
import { frontierFromTiles, type TileReader, tilePath, tileSubtree } from '../../src/audit/tile.ts';
import { foldRoot } from '../../src/audit/tree.ts';
import { fromBase64, toBase64 } from '../../src/bytes/base64.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { judgeNote, parseNote, parseVkey } from '../../src/envelope/note.ts';
import { refusal } from '../support/refusal.ts';
import { describeVectors, provider, refuses, Tally, vectorBytes, vectorFiles, vectorJson } from './third-party.ts';

interface ForeignType {
  readonly valid_vkeys: readonly string[];
  readonly invalid_vkeys?: readonly string[];
  readonly notes: readonly { readonly note: string }[];
}

interface NoteSuite {
  readonly valid_vkeys: readonly string[];
}

const SUNLIGHT = 'tlog/sunlight';
const MIRROR = `${SUNLIGHT}/witness/mirror/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706`;

describeVectors('what other logs have', () => {
  it('signature types that are not offered: no such key, and their lines in a note say nothing', () => {
    const tally = new Tally('tlog signature types', 'plain');
    const suite = vectorJson('tlog/signature-types.json') as Record<string, ForeignType>;
    const ours = parseVkey((vectorJson('tlog/note-vectors.json') as NoteSuite).valid_vkeys[0]!);
    const verifier = {
      name: ours.name,
      keyId: ours.keyId,
      verify: (text: string, signature: Uint8Array) =>
        provider('native').signature('ed25519').verify(ours.publicKey, utf8(text), signature),
    };
    for (const type of ['ecdsa_0x02', 'static_ct_0x05']) {
      const { valid_vkeys: valid, invalid_vkeys: invalid = [], notes } = suite[type]!;
      for (const vkey of valid) {
        const error = refusal(() => parseVkey(vkey));
        tally.check(vkey, error.code === 'Malformed' && error.message.includes('unknown algorithm type'));
      }
      for (const vkey of invalid)
        tally.check(
          vkey,
          refuses(() => parseVkey(vkey)),
        );
      for (const { note } of notes) {
        const parsed = parseNote(utf8(note), type);
        tally.check(note, parsed.signatures.length > 0 && judgeNote(parsed, [verifier]).kind === 'unverified');
      }
    }
    tally.finish(15);
  });

  it('vkeys: every cut and every changed byte of every key is refused', () => {
    const tally = new Tally('tlog derived vkeys', 'plain');
    for (const text of (vectorJson('tlog/note-vectors.json') as NoteSuite).valid_vkeys) {
      for (let from = 0; from < text.length; from++) {
        for (let to = from + 1; to <= text.length; to++) {
          if (to - from === text.length) continue;
          const cut = text.slice(from, to);
          tally.check(
            `${from}-${to} of ${text}`,
            refuses(() => parseVkey(cut)),
          );
        }
        const changed = `${text.slice(0, from)}${String.fromCharCode(text.charCodeAt(from) + 1)}${text.slice(from + 1)}`;
        tally.check(
          `${from}+1 of ${text}`,
          refuses(() => parseVkey(changed)),
        );
      }
    }
    tally.finish(VKEY_CASES);
  });

  it('sunlight: notes of log, witnesses and mirror; the root of the mirror from its tiles', () => {
    const tally = new Tally('tlog sunlight', 'plain');
    for (const file of vectorFiles(SUNLIGHT).filter((name) => name.endsWith('/checkpoint'))) {
      const body = parseBody(parseNote(vectorBytes(file), file).text);
      tally.check(file, body !== null && body.size === 300);
    }
    const read: TileReader = (tile) => vectorBytes(`${MIRROR}/${tilePath(tile)}`);
    const signed = parseBody(parseNote(vectorBytes(`${MIRROR}/checkpoint`), 'mirror').text)!;
    tally.check('root', toBase64(foldRoot(frontierFromTiles(read, 300)!)) === toBase64(signed.root));
    const upper = read({ level: 1, index: 0, width: 1 })!;
    tally.check('tile 1', toBase64(upper) === toBase64(tileSubtree(read({ level: 0, index: 0, width: 256 })!, 0, 8)));
    tally.finish(6);
  });
});

/** Pairs of ends and single bytes, over the seven keys. */
const VKEY_CASES = 15_103;

interface SubtreeCase {
  readonly leafIdx: number;
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly root: string;
  readonly leafHash: string;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const bytes = (text: string | undefined): Uint8Array => fromBase64(text ?? '') ?? new Uint8Array();

/** A subtree [start, end) begins at a multiple of the power of two that covers it. */
function isSubtree({ start, end }: SubtreeCase): boolean {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start >= end) return false;
  let cover = 1;
  while (cover < end - start) cover *= 2;
  return start % cover === 0;
}

function casesOf(kind: string): { readonly id: string; readonly one: SubtreeCase }[] {
  return vectorFiles(`merkle/transparency-dev-merkle/${kind}`).map((id) => ({
    id,
    one: vectorJson(id) as SubtreeCase,
  }));
}

describeVectors('proofs about subtrees', () => {
  it('inclusion', () => {
    const tally = new Tally('merkle subtree inclusion', 'plain');
    for (const { id, one } of casesOf('subtreeinclusion')) {
      const { start, end, leafIdx } = one;
      const proof = (one.proof ?? []).map(bytes);
      const holds =
        isSubtree(one) && verifyInclusion(leafIdx - start, end - start, bytes(one.leafHash), proof, bytes(one.root));
      tally.check(id, holds === !one.wantErr);
    }
    tally.finish(142);
  });

  it('consistency of those that begin at 0', () => {
    const tally = new Tally('merkle subtree consistency', 'plain');
    for (const { id, one } of casesOf('subtreeconsistency')) {
      if (one.start !== 0) {
        tally.leaveOut('suite not offered');
        continue;
      }
      const proof = (one.proof ?? []).map(bytes);
      tally.check(id, verifyConsistency(one.end, one.size, bytes(one.root1), bytes(one.root2), proof) === !one.wantErr);
    }
    tally.finish(64, { 'suite not offered': 3 });
  });
});
