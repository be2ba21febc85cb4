// vectors/audit: records, tree, tiles, head slots and checkpoints of this project, against the product.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLogVerifier, formatBody, type LogKeyEra, logVkeys, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { currentHead, encodeSlot, HEAD_FILE_BYTES } from '../../src/audit/head.ts';
import { leafHash } from '../../src/audit/leaf.ts';
import { LineReader } from '../../src/audit/line.ts';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from '../../src/audit/proof.ts';
import { parseRecord } from '../../src/audit/record.ts';
import { subtreeFromTiles, type TileReader, tilePath } from '../../src/audit/tile.ts';
import { Frontier } from '../../src/audit/tree.ts';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { RonError } from '../../src/errors.ts';
import { TileBuilder } from '../../src/storage/audit-tiles.ts';
import { auditSuites } from './generate-audit.ts';
import { formatSuite, type OwnVector, readSuite, VECTORS_DIRECTORY } from './own-format.ts';
import { PROVIDERS, provider } from './third-party.ts';

const vectors = (name: string): readonly OwnVector[] => readSuite(`audit/${name}.json`).vectors;
const bytes = (text: unknown): Uint8Array => fromHex(text as string)!;

it('the files are what the generator makes', () => {
  for (const [path, suite] of auditSuites()) {
    expect(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8'), path).toBe(formatSuite(suite));
  }
});

describe('records', () => {
  it.each(vectors('record').map((one) => [one.name, one] as const))('%s', (_, one) => {
    const line = utf8(one.in['line'] as string);
    const reader = new LineReader();
    const fast = reader.readLine(Buffer.from(line), 0, line.length);
    if (one.out === undefined) {
      expect(() => parseRecord(line, 'record')).toThrow(RonError);
      expect(fast).toBeNull();
      return;
    }
    const record = parseRecord(line, 'record');
    expect('newer' in record).toBe(false);
    expect(toHex(leafHash(line))).toBe(one.out['leaf']);
    // Only a line with bytes beyond ASCII is left to the full parser.
    expect(fast === null).toBe(/[^ -~]/.test(one.in['line'] as string));
    if (fast === null) return;
    expect(fast).toMatchObject({ seq: record.seq, op: record.op });
    expect(Buffer.from(line).toString('latin1', reader.prevAt, reader.prevAt + 64)).toBe(record.prev);
  });
});

const leavesOf = (size: number): Uint8Array[] =>
  Array.from({ length: size }, (_, at) => leafHash(utf8(`record ${at}`)));

function built(size: number): { frontier: Frontier; tiles: ReadonlyMap<string, Uint8Array>; read: TileReader } {
  const frontier = new Frontier();
  const builder = TileBuilder.empty();
  for (const leaf of leavesOf(size)) {
    frontier.append(leaf);
    builder.append(leaf);
  }
  const tiles = new Map(builder.take().map((one) => [tilePath(one.tile), one.bytes]));
  return { frontier, tiles, read: (tile) => tiles.get(tilePath(tile)) ?? null };
}

describe('tree and tiles', () => {
  it.each(vectors('tree').map((one) => [one.name, one] as const))('%s', (_, one) => {
    const { index, old_size: old, size } = one.in as { index?: number; old_size?: number; size: number };
    const { frontier, read } = built(size);
    const hash = (subtree: { level: number; index: number }): Uint8Array => subtreeFromTiles(read, size, subtree)!;
    if (index !== undefined) {
      const proof = inclusionProof(index, size, hash);
      expect(proof.map(toHex)).toEqual(one.out!['proof']);
      expect(verifyInclusion(index, size, leavesOf(size)[index]!, proof, frontier.root())).toBe(true);
    } else if (old !== undefined) {
      const proof = consistencyProof(old, size, hash);
      expect(proof.map(toHex)).toEqual(one.out!['proof']);
      expect(verifyConsistency(old, size, built(old).frontier.root(), frontier.root(), proof)).toBe(true);
    } else {
      expect(toHex(frontier.root())).toBe(one.out!['root']);
      expect(toHex(Frontier.restore(size, frontier.hashes()).root())).toBe(one.out!['root']);
    }
  });

  it.each(vectors('tile').map((one) => [one.name, one] as const))('%s', (_, one) => {
    const { tiles } = built(one.in['size'] as number);
    const found = [...tiles].map(([path, tile]) => ({ path, sha256: sha256Hex(tile) }));
    const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
    expect(found.sort(byPath)).toEqual([...(one.out!['tiles'] as typeof found)].sort(byPath));
  });
});

describe('head slots', () => {
  it.each(vectors('head').map((one) => [one.name, one] as const))('%s', (_, one) => {
    const { key, origin, size, root } = one.in as Record<string, string> & { size: never };
    const slot = encodeSlot(bytes(key), origin!, { size, root: bytes(root) });
    expect(toHex(slot)).toBe(one.out!['slot']);
    const file = new Uint8Array(HEAD_FILE_BYTES);
    file.set(slot, 4096);
    expect(currentHead(file, [bytes(key)], origin!)).toMatchObject({ size, slot: 1 });
    expect(currentHead(file, [bytes(key)], 'another origin')).toBeNull();
    for (let at = 0; at < slot.length; at++) {
      const changed = file.slice();
      changed[4096 + at]! ^= 0x10;
      expect(currentHead(changed, [bytes(key)], origin!), `byte ${at}`).toBeNull();
    }
  });
});

describe.each(PROVIDERS)('checkpoints under %s', (name) => {
  const crypto = provider(name);

  it.each(vectors('checkpoint').map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const serviceKeys = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };
    const verifier = (origin: string, keys: readonly LogKeyEra[]) =>
      createLogVerifier({ origin, keys, serviceKeys, trust: 'local' }, crypto);
    if (one.name === 'signing') {
      const { origin, size, root, timestamp } = one.in as {
        origin: string;
        size: number;
        root: string;
        timestamp: number;
      };
      const pair = {
        ed25519: await crypto.signature('ed25519').importSecret(bytes(one.in['ed25519'])),
        mlDsa44: await crypto.signature('ml-dsa-44').importSecret(bytes(one.in['ml_dsa_44'])),
      };
      const body = { origin, size, root: bytes(root) };
      expect(formatBody(body)).toBe(one.out!['body']);
      expect(logVkeys(origin, pair)).toEqual(one.out!['vkeys']);
      const note = await signCheckpoint(body, timestamp, [pair]);
      const trusted = verifier(origin, [{ from: 0, vkeys: logVkeys(origin, pair) }]);
      expect(trusted.check(note).ok).toBe(true);
      expect(trusted.check(utf8(one.out!['note'] as string)).ok).toBe(true);
      return;
    }
    const { origin, trusted, note } = one.in as { origin: string; trusted: LogKeyEra[]; note: string };
    const answer = verifier(origin, trusted).check(utf8(note));
    if (!answer.ok) {
      expect(answer.code).toBe(one.error);
      return;
    }
    const { size, root, timestamp } = answer.checkpoint;
    expect({ size, root: toHex(root), timestamp }).toEqual(one.out);
  });
});
