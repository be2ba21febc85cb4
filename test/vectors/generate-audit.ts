// Makes vectors/audit/*.json. Hashes, tags, tiles and signatures are computed here from the text of RFC 6962 and the C2SP
// pages with node:crypto and noble (deterministic), not by the product; the tests compare. `node
// test/vectors/generate-audit.ts`, then `node test/vectors/generate-sums.ts`.

import { createHash, createHmac } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { canonicalText, type Json, type JsonObject } from '../../src/bytes/canonical-json.ts';
import { type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { ML_DSA, seeded, signMlDsa } from './tool.ts';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const leaf = (line: string | Uint8Array): Buffer => sha256(Buffer.of(0), Buffer.from(line));
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);
const u64 = (value: number): Buffer => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return out;
};

export const ORIGIN = 'example.org/kms/0123456789abcdef0123456789abcdef/e0';
const KID = 'acme/release/ed25519/019a4b3c-0000-7000-8000-000000000001';
const ZEROS = '0'.repeat(64);
const H64 = hex(seeded('audit digest', 32));

const base = (seq: number, op: string, more: JsonObject = {}): JsonObject => ({
  v: 1,
  seq,
  r: Buffer.from(seeded(`audit r ${seq}`, 16)).toString('base64url'),
  prev: seq === 0 ? ZEROS : H64,
  ts: '2026-11-20T08:00:00.000Z',
  mono: 5000 + seq,
  boot: '07c7617e',
  op,
  op_id: '01a1f7d3-d699-7363-9ec7-ff6672c7e882',
  actor: 'local:1000:alice',
  result: 'ok',
  ...more,
});

const heads = { generation: 1, manifest_sha256: H64, public_sha256: H64 };
const sign = {
  tenant: 'acme',
  kid: `${KID}#v2`,
  kid_seq: 7,
  alg: 'ed25519+ml-dsa',
  purpose: 'release',
  input_hash: `b3:${H64}`,
};

function recordSuite(): OwnVector[] {
  const good: readonly [string, JsonObject][] = [
    ['init', base(0, 'init', { ...heads, detail: { profile: 'dev', version: '0.1.0', governed: false } })],
    ['state', base(1, 'state', { detail: { generation: 1, keys: 0, counters: `sha256:${H64}` } })],
    [
      'manifest',
      base(2, 'manifest', { ...heads, detail: { state_seq: 1, ledger: { seq: 4, hash: `sha256:${H64}` } } }),
    ],
    ['sign', base(3, 'sign', sign)],
    ['sign, ungoverned', base(4, 'sign', { ...sign, detail: { governed: false } })],
    ['sign, refused', base(5, 'sign', { ...sign, result: 'PolicyRefused' })],
    [
      'create',
      base(6, 'create', {
        ...heads,
        generation: 2,
        tenant: 'acme',
        kid: `${KID}#v1`,
        kid_seq: 1,
        detail: { tracks: ['ed25519', 'ml-dsa'], pub: { ed25519: H64, ml_dsa_65: H64 } },
      }),
    ],
    [
      'ledger.append',
      base(7, 'ledger.append', { public_sha256: H64, detail: { ledger_id: 'gl-abc', seq: 3, hash: `sha256:${H64}` } }),
    ],
    ['gap', base(8, 'gap', { actor: 'system', detail: { kind: 'log-tail', bytes: 17 } })],
    ['login beyond ASCII', base(9, 'sign', { ...sign, actor: 'local:1000:zoë' })],
    ['a capability', base(10, 'wrap', { ...sign, actor: 'cap:1:root' })],
  ];
  const bad: readonly [string, JsonObject | string][] = [
    [
      'kid without its counter',
      (() => {
        const { kid_seq: _, ...rest } = base(3, 'sign', sign);
        return rest;
      })(),
    ],
    ['counter without a kid', base(3, 'sign', { kid_seq: 1 })],
    ['kid without version', base(3, 'sign', { ...sign, kid: KID })],
    ['unknown member', base(3, 'sign', { ...sign, note: 'x' })],
    ['unknown result', base(3, 'sign', { ...sign, result: 'fine' })],
    [
      'a mutation without its heads',
      base(6, 'create', { tenant: 'acme', kid: `${KID}#v1`, kid_seq: 1, detail: { tracks: ['ed25519'], pub: {} } }),
    ],
    ['detail of another operation', base(3, 'sign', { ...sign, detail: { state_seq: 1 } })],
    ['detail missing', base(1, 'state')],
    ['governed true', base(3, 'sign', { ...sign, detail: { governed: true } })],
    ['init at another place', base(1, 'init', { ...heads, detail: { profile: 'dev', version: '0.1.0' } })],
    ['another operation at the start', base(0, 'sign', sign)],
    ['a date that does not exist', base(3, 'sign', { ...sign, ts: '2026-02-30T08:00:00.000Z' })],
    ['time without milliseconds', base(3, 'sign', { ...sign, ts: '2026-02-20T08:00:00Z' })],
    ['r of 15 bytes', base(3, 'sign', { ...sign, r: Buffer.alloc(15).toString('base64url') })],
    ['actor with a space', base(3, 'sign', { ...sign, actor: 'local:1000:a b' })],
    ['a space in the line', canonicalText(base(3, 'sign', sign)).replace('"v":1', '"v": 1')],
    ['members out of order', `{"v":1,${canonicalText(base(3, 'sign', sign)).slice(1, -7)}}`],
    ['a member twice', canonicalText(base(3, 'sign', sign)).replace('"seq":3', '"seq":3,"seq":3')],
    ['an escape that is not needed', canonicalText(base(3, 'sign', sign)).replace('"acme"', '"\\u0061cme"')],
  ];
  return [
    ...good.map(([name, record]) => ({
      name,
      in: { line: canonicalText(record) },
      out: { leaf: hex(leaf(canonicalText(record))) },
    })),
    ...bad.map(([name, record]) => ({
      name,
      in: { line: typeof record === 'string' ? record : canonicalText(record as Json) },
      error: 'Malformed',
    })),
  ];
}

/** MTH of RFC 6962 section 2.1, recursively. */
function treeHash(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return Buffer.from(leaves[0]!);
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return node(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** PATH of section 2.1.1. */
function path(index: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length === 1) return [];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return index < split
    ? [...path(index, leaves.slice(0, split)), treeHash(leaves.slice(split))]
    : [...path(index - split, leaves.slice(split)), treeHash(leaves.slice(0, split))];
}

/** SUBPROOF of section 2.1.2. */
function subproof(old: number, leaves: readonly Uint8Array[], whole: boolean): Buffer[] {
  if (old === leaves.length) return whole ? [] : [treeHash(leaves)];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return old <= split
    ? [...subproof(old, leaves.slice(0, split), whole), treeHash(leaves.slice(split))]
    : [...subproof(old - split, leaves.slice(split), false), treeHash(leaves.slice(0, split))];
}

export const leavesOf = (size: number): Buffer[] => Array.from({ length: size }, (_, at) => leaf(`record ${at}`));

function treeSuite(): OwnVector[] {
  const roots = [0, 1, 2, 3, 4, 7, 8, 255, 256, 257, 1000].map((size) => ({
    name: `root of ${size}`,
    in: { size },
    out: { root: hex(treeHash(leavesOf(size))) },
  }));
  const inclusion = (
    [
      [0, 1],
      [0, 2],
      [1, 3],
      [6, 7],
      [255, 257],
      [256, 257],
      [500, 1000],
    ] as const
  ).map(([index, size]) => ({
    name: `inclusion of ${index} in ${size}`,
    in: { index, size },
    out: { proof: path(index, leavesOf(size)).map(hex) },
  }));
  const consistency = (
    [
      [1, 1],
      [1, 2],
      [3, 7],
      [4, 7],
      [255, 257],
      [256, 257],
      [256, 1000],
    ] as const
  ).map(([old_size, size]) => ({
    name: `consistency of ${old_size} with ${size}`,
    in: { old_size, size },
    out: { proof: subproof(old_size, leavesOf(size), true).map(hex) },
  }));
  return [...roots, ...inclusion, ...consistency];
}

/** Tiles of levels 0 and up: the hashes of all whole subtrees of 256^level leaves. */
function tileSuite(): OwnVector[] {
  return [1, 255, 256, 257, 1000].map((size) => {
    const tiles: { path: string; sha256: string }[] = [];
    for (let level = 0, hashes: Buffer[] = leavesOf(size); hashes.length > 0; level++) {
      const above: Buffer[] = [];
      for (let index = 0; index * 256 < hashes.length; index++) {
        const tile = hashes.slice(index * 256, index * 256 + 256);
        const name = `tile/${level}/${String(index).padStart(3, '0')}${tile.length === 256 ? '' : `.p/${tile.length}`}`;
        tiles.push({ path: name, sha256: hex(sha256(...tile)) });
        if (tile.length === 256) above.push(treeHash(tile));
      }
      hashes = above;
    }
    return { name: `tiles of ${size}`, in: { size }, out: { tiles } };
  });
}

function headSuite(): OwnVector[] {
  return [0, 1, 257, 9_007_199_254_740_991].map((size) => {
    const key = seeded('audit head key', 32);
    const root = seeded(`audit root ${size}`, 32);
    const message = Buffer.concat([Buffer.from(`ron-audit/head/v1\0${ORIGIN}\0`), u64(size), root]);
    const slot = Buffer.concat([u64(size), root, createHmac('sha256', key).update(message).digest()]);
    return {
      name: `slot of size ${size}`,
      in: { key: hex(key), origin: ORIGIN, size, root: hex(root) },
      out: { slot: hex(slot) },
    };
  });
}

interface Keys {
  readonly ed25519: Uint8Array;
  readonly mlDsa44: Uint8Array;
}

const keysOf = (label: string): Keys => ({
  ed25519: seeded(`${label} ed25519`, 32),
  mlDsa44: seeded(`${label} ml-dsa-44`, 32),
});

interface SignedWith {
  readonly id: Buffer;
  readonly vkey: string;
}

function keyOf(type: number, publicKey: Uint8Array, name = ORIGIN): SignedWith {
  const tagged = Buffer.concat([Buffer.of(type), publicKey]);
  const id = sha256(Buffer.from(`${name}\n`), tagged).subarray(0, 4);
  return { id, vkey: `${name}+${hex(id)}+${tagged.toString('base64')}` };
}

interface Made {
  readonly vkeys: readonly string[];
  readonly body: string;
  readonly lines: readonly string[];
}

function checkpointOf(keys: Keys, size: number, root: Uint8Array, timestamp: number): Made {
  const body = `${ORIGIN}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
  const one = keyOf(1, ed25519.getPublicKey(keys.ed25519));
  const six = keyOf(6, ML_DSA['ML-DSA-44'].keygen(keys.mlDsa44).publicKey);
  const name = Buffer.concat([Buffer.of(ORIGIN.length), Buffer.from(ORIGIN)]);
  const message = Buffer.concat([Buffer.from('subtree/v1\n\0'), name, u64(timestamp), name, u64(0), u64(size), root]);
  const line = (id: Uint8Array, ...rest: readonly Uint8Array[]): string =>
    `\u2014 ${ORIGIN} ${Buffer.concat([id, ...rest]).toString('base64')}\n`;
  return {
    vkeys: [one.vkey, six.vkey],
    body,
    lines: [
      line(one.id, ed25519.sign(Buffer.from(body), keys.ed25519)),
      line(six.id, u64(timestamp), signMlDsa('ML-DSA-44', keys.mlDsa44, message)),
    ],
  };
}

function checkpointSuite(): OwnVector[] {
  const keys = keysOf('audit log');
  const next = keysOf('audit log, next');
  const root = treeHash(leavesOf(257));
  const made = checkpointOf(keys, 257, root, 1_763_625_600);
  const rotated = checkpointOf(next, 257, root, 1_763_625_600);
  const zero = checkpointOf(keys, 257, root, 0);
  const other = checkpointOf(keys, 256, treeHash(leavesOf(256)), 1_763_625_600);
  const eras = [{ from: 0, vkeys: made.vkeys }];
  const both = [...eras, { from: 257, vkeys: rotated.vkeys }];
  const later = [...eras, { from: 256, vkeys: rotated.vkeys }];
  const text = (one: Made, lines: readonly (string | undefined)[], body = one.body): string =>
    `${body}\n${lines.join('')}`;
  const witness = `\u2014 witness.example.org ${Buffer.concat([Buffer.of(1, 2, 3, 4), seeded('witness', 72)]).toString('base64')}\n`;
  const good: readonly [string, string, readonly object[]][] = [
    ['both log signatures', text(made, made.lines), eras],
    ['a cosignature of an unknown witness follows', text(made, [...made.lines, witness]), eras],
    ['four signatures at the size of a key change', text(made, [...made.lines, ...rotated.lines]), both],
    ['the new pair alone above that size', text(made, rotated.lines), later],
  ];
  const bad: readonly [string, string, readonly object[], string][] = [
    ['ML-DSA-44 stripped', text(made, [made.lines[0]]), eras, 'checkpoint-signature-missing'],
    ['Ed25519 stripped', text(made, [made.lines[1]]), eras, 'checkpoint-signature-missing'],
    ['signatures of another size', text(made, other.lines), eras, 'checkpoint-signature'],
    ['Ed25519 of another size', text(made, [other.lines[0], made.lines[1]]), eras, 'checkpoint-signature'],
    ['timestamp 0', text(zero, zero.lines), eras, 'checkpoint-timestamp'],
    ['an extension line', text(made, made.lines, `${made.body}more\n`), eras, 'checkpoint-malformed'],
    [
      'size with a leading zero',
      text(made, made.lines, made.body.replace('\n257\n', '\n0257\n')),
      eras,
      'checkpoint-malformed',
    ],
    [
      'another origin',
      text(made, made.lines, made.body.replace('example.org', 'example.com')),
      eras,
      'checkpoint-origin',
    ],
    ['the old pair alone at the size of a key change', text(made, made.lines), both, 'key-transition'],
    ['the new pair alone at the size of a key change', text(made, rotated.lines), both, 'key-transition'],
    ['the old pair above that size', text(made, made.lines), later, 'key-transition'],
    [
      'the new pair below that size',
      text(made, rotated.lines),
      [...eras, { from: 300, vkeys: rotated.vkeys }],
      'key-transition',
    ],
    [
      'one key of the pair is known',
      text(made, made.lines),
      [{ from: 0, vkeys: made.vkeys.slice(0, 1) }],
      'log-key-missing',
    ],
    ['no key is known', text(made, made.lines), [], 'no-trusted-key'],
  ];
  return [
    {
      name: 'signing',
      in: {
        ed25519: hex(keys.ed25519),
        ml_dsa_44: hex(keys.mlDsa44),
        origin: ORIGIN,
        size: 257,
        root: hex(root),
        timestamp: 1_763_625_600,
      },
      out: { vkeys: made.vkeys, body: made.body, note: text(made, made.lines) },
    },
    ...good.map(([name, note, trusted]) => ({
      name,
      in: { origin: ORIGIN, trusted, note },
      out: { size: 257, root: hex(root), timestamp: 1_763_625_600 },
    })),
    ...bad.map(([name, note, trusted, error]) => ({ name, in: { origin: ORIGIN, trusted, note }, error })),
  ];
}

export function auditSuites(): ReadonlyMap<string, OwnSuite> {
  const source = 'computed by test/vectors/generate-audit.ts with node:crypto and the noble libraries';
  const suite = (name: string, vectors: readonly OwnVector[]): [string, OwnSuite] => [
    `audit/${name}.json`,
    { suite: `audit ${name}`, source, vectors },
  ];
  return new Map([
    suite('record', recordSuite()),
    suite('tree', treeSuite()),
    suite('tile', tileSuite()),
    suite('head', headSuite()),
    suite('checkpoint', checkpointSuite()),
  ]);
}

if (import.meta.main) for (const [path, suite] of auditSuites()) writeSuite(path, suite);
