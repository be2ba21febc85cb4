// Signed notes, checkpoints, tile paths and a whole foreign log (suite `tlog`), and RFC 6962 proofs (suite `merkle`).

import { expect, it } from 'vitest';
import { parseBody } from '../../src/audit/checkpoint.ts';
import { emptyRoot, leafHash } from '../../src/audit/leaf.ts';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from '../../src/audit/proof.ts';
import { subtreeFromTiles, tileIndexPath, tilePath, tilesBetween, tileWidth } from '../../src/audit/tile.ts';
import { Frontier } from '../../src/audit/tree.ts';
import { fromBase64, toBase64 } from '../../src/bytes/base64.ts';
import { concat, readU16be } from '../../src/bytes/framing.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { judgeNote, type NoteVerifier, noteKeyId, parseNote, parseVkey, type Vkey } from '../../src/envelope/note.ts';
import { RonError } from '../../src/errors.ts';
import {
  describeVectors,
  PROVIDERS,
  provider,
  refuses,
  Tally,
  vectorBytes,
  vectorFiles,
  vectorJson,
} from './third-party.ts';

interface OpenCase {
  readonly name: string;
  readonly note?: string;
  readonly note_b64?: string;
  readonly verifiers: readonly string[];
  readonly expect: string;
}

interface NoteSuite {
  readonly valid_vkeys: readonly string[];
  readonly invalid_vkeys: readonly { readonly vkey: string }[];
  readonly open: readonly OpenCase[];
}

const ed25519Verifier = (vkey: Vkey, crypto: ReturnType<typeof provider>): NoteVerifier => ({
  name: vkey.name,
  keyId: vkey.keyId,
  verify: (text, signature) => crypto.signature('ed25519').verify(vkey.publicKey, utf8(text), signature),
});

describeVectors('signed notes', () => {
  it.each(PROVIDERS)('%s: every note has the verdict of the suite', (name) => {
    const tally = new Tally('tlog notes', name);
    const suite = vectorJson('tlog/note-vectors.json') as NoteSuite;
    for (const one of suite.open) {
      const bytes = one.note === undefined ? new Uint8Array(Buffer.from(one.note_b64!, 'base64')) : utf8(one.note);
      let verdict: string;
      try {
        const verifiers = one.verifiers.map((text) => ed25519Verifier(parseVkey(text), provider(name)));
        verdict = judgeNote(parseNote(bytes, 'note'), verifiers).kind;
      } catch (error) {
        if (!(error instanceof RonError) || error.code !== 'Malformed') throw error;
        verdict = 'malformed';
      }
      tally.check(`${one.name}: ${verdict}`, verdict === one.expect);
    }
    tally.finish(20);
  });

  it('verifier keys: good ones parse; bad, cut and changed ones do not', () => {
    const tally = new Tally('tlog vkeys', 'plain');
    const suite = vectorJson('tlog/note-vectors.json') as NoteSuite;
    for (const text of suite.valid_vkeys) {
      const vkey = parseVkey(text);
      tally.check(text, noteKeyId(vkey.name, vkey.type, vkey.publicKey) === vkey.keyId);
      for (let from = 0; from < text.length; from += 7) {
        for (let to = from + 1; to <= text.length; to += 3) {
          if (to - from < text.length)
            tally.check(
              `${from}-${to}`,
              refuses(() => parseVkey(text.slice(from, to))),
            );
        }
      }
      for (let at = 0; at < text.length; at++) {
        const changed = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) + 1)}${text.slice(at + 1)}`;
        tally.check(
          `${at}+1 of ${text}`,
          refuses(() => parseVkey(changed)),
        );
      }
    }
    for (const { vkey } of suite.invalid_vkeys)
      tally.check(
        vkey,
        refuses(() => parseVkey(vkey)),
      );
    tally.finish(1240);
  });

  it('the ML-DSA-44 vkey whose key id does not follow from it is refused (D12)', () => {
    const key = Buffer.concat([Buffer.of(6), Buffer.alloc(1312, 7)]).toString('base64');
    expect(() => parseVkey(`test+5893dc2c+${key}`)).toThrow('the key id does not follow');
  });
});

interface CheckpointSuite {
  readonly bodies: readonly {
    readonly name: string;
    readonly body: string;
    readonly valid: boolean;
    readonly rest?: string;
    readonly hash_b64?: string;
  }[];
  readonly c2sp_tile_facts: { readonly index_1234067: string };
  readonly empty_root_b64: string;
}

describeVectors('checkpoints and tiles', () => {
  it('bodies: ours takes what is valid, has a 32-byte root and no further lines', () => {
    const tally = new Tally('tlog checkpoint bodies', 'plain');
    const suite = vectorJson('tlog/checkpoint-vectors.json') as CheckpointSuite;
    for (const one of suite.bodies) {
      const ours = one.valid && one.rest === '' && Buffer.from(one.hash_b64!, 'base64').length === 32;
      tally.check(one.name, (parseBody(one.body) !== null) === ours);
    }
    tally.finish(15);
    expect(toBase64(emptyRoot())).toBe(suite.empty_root_b64);
    expect(tileIndexPath(1_234_067)).toBe(suite.c2sp_tile_facts.index_1234067);
  });

  it('70,000 entries have the tiles of the specification', () => {
    const tiles = [...tilesBetween(0, 70_000)];
    const count = (level: number, full: boolean): number =>
      tiles.filter((tile) => tile.level === level && (tile.width === 256) === full).length;
    expect([count(0, true), count(0, false), count(1, true), count(1, false), count(2, false)]).toEqual([
      273, 1, 1, 1, 1,
    ]);
    expect([tileWidth(70_000, 0, 273), tileWidth(70_000, 1, 1), tileWidth(70_000, 2, 0)]).toEqual([112, 17, 1]);
    expect(tilePath({ level: 0, index: 1_234_067, width: 5 })).toBe('tile/0/x001/x234/067.p/5');
  });

  it('a foreign log of 15 entries: root of every size, tiles, and proofs between all sizes', () => {
    const tally = new Tally('tlog tessera log', 'native');
    const base = 'tlog/tessera-log';
    const vkey = parseVkey('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx');
    const verifier = ed25519Verifier(vkey, provider('native'));
    const bundle = vectorBytes(`${base}/tile/entries/000.p/15`);
    const entries: Uint8Array[] = [];
    for (let at = 0; at < bundle.length; ) {
      const length = readU16be(bundle, at);
      entries.push(bundle.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    const frontier = new Frontier();
    const roots: Uint8Array[] = [frontier.root()];
    for (const entry of entries) {
      frontier.append(leafHash(entry));
      roots.push(frontier.root());
    }
    for (let size = 0; size <= 15; size++) {
      const note = parseNote(vectorBytes(`${base}/checkpoint.${size}`), 'checkpoint');
      const body = parseBody(note.text)!;
      tally.check(`signature ${size}`, judgeNote(note, [verifier]).kind === 'ok');
      tally.check(`root ${size}`, body.size === size && toHex(body.root) === toHex(roots[size]!));
      if (size === 0) continue;
      const tile = vectorBytes(`${base}/tile/0/000.p/15`).subarray(0, size * 32);
      tally.check(`tile ${size}`, Buffer.compare(tile, concat(...entries.slice(0, size).map(leafHash))) === 0);
      const read = (subtree: { level: number; index: number }): Uint8Array =>
        subtreeFromTiles(() => tile, size, subtree)!;
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, read);
        tally.check(
          `inclusion ${index}/${size}`,
          verifyInclusion(index, size, leafHash(entries[index]!), proof, roots[size]!),
        );
      }
      for (let old = 1; old <= size; old++) {
        const proof = consistencyProof(old, size, read);
        tally.check(`consistency ${old}/${size}`, verifyConsistency(old, size, roots[old]!, roots[size]!, proof));
      }
    }
    tally.finish(287);
  });
});

interface ProofCase {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly leafHash: string;
  readonly root: string;
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const bytes = (text: string): Uint8Array => fromBase64(text) ?? new Uint8Array();

function casesOf(kind: 'inclusion' | 'consistency'): { readonly id: string; readonly one: ProofCase }[] {
  return vectorFiles(`merkle/transparency-dev-merkle/${kind}`).map((id) => ({ id, one: vectorJson(id) as ProofCase }));
}

describeVectors('RFC 6962 proofs', () => {
  it('inclusion: the happy paths hold, every mutation fails', () => {
    const tally = new Tally('merkle inclusion', 'plain');
    for (const { id, one } of casesOf('inclusion')) {
      const proof = (one.proof ?? []).map(bytes);
      const holds = verifyInclusion(one.leafIdx, one.treeSize, bytes(one.leafHash), proof, bytes(one.root));
      tally.check(id, holds === !one.wantErr);
    }
    tally.finish(71);
  });

  it('consistency: the happy paths hold, every mutation and size 0 fail', () => {
    const tally = new Tally('merkle consistency', 'plain');
    for (const { id, one } of casesOf('consistency')) {
      const proof = (one.proof ?? []).map(bytes);
      const holds = verifyConsistency(one.size1, one.size2, bytes(one.root1), bytes(one.root2), proof);
      tally.check(id, holds === !one.wantErr);
    }
    tally.finish(64);
  });
});
