// Every kind of damage that an audit log can have (log page 4.8), with what `audit verify` must say of it: verdict, one of the
// findings, first index. One table for logs in memory, logs on disk that the binary reads, and the bench of a large log.

import type { AuditVerdict } from '../../src/audit/findings.ts';
import { leafHash } from '../../src/audit/leaf.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { AUDIT, type DamagedLog, EPOCH, HOME } from './log-copies.ts';

const N = 65_536;
export const SIZES = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537] as const;
/** Sizes with a checkpoint: a log of less has no `manifest` record to sign. */
export const SIGNED = SIZES.filter((size) => size > 2);

const segment = (number: number): string => `${EPOCH}/segments/${String(number).padStart(6, '0')}.jsonl`;
const numberOf = (seq: number): number => Math.floor(seq / N);
const last = (size: number): number => numberOf(size - 1);
const middle = (size: number): number => Math.floor(size / 2);
const textOf = (files: DamagedLog, path: string): string => Buffer.from(files.bytes(path)).toString();

function edit(files: DamagedLog, number: number, change: (lines: string[]) => void): void {
  const lines = textOf(files, segment(number)).split('\n').slice(0, -1);
  change(lines);
  files.put(segment(number), lines.map((line) => `${line}\n`).join(''));
}

function editMiddle(files: DamagedLog, size: number, change: (lines: string[], at: number) => void): void {
  edit(files, numberOf(middle(size)), (lines) => change(lines, middle(size) % N));
}

function flip(files: DamagedLog, path: string, at: number): void {
  const bytes = files.bytes(path).slice();
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  files.put(path, bytes);
}

const note = `${EPOCH}/checkpoint`;
const list = `${EPOCH}/checkpoints.jsonl`;
const noteLines = (files: DamagedLog, change: (lines: string[]) => void): void => {
  const lines = textOf(files, note).split('\n');
  change(lines);
  files.put(note, lines.join('\n'));
};
const listLines = (files: DamagedLog, change: (lines: string[]) => void): void => {
  const lines = textOf(files, list).trimEnd().split('\n');
  change(lines);
  files.put(list, `${lines.join('\n')}\n`);
};
const tilePaths = (files: DamagedLog, level: number): string[] => files.below(`${EPOCH}/tile/${level}`).sort();

/** A line that would follow the last one. */
function following(files: DamagedLog, size: number, members: object): string {
  const line = textOf(files, segment(last(size)))
    .trimEnd()
    .split('\n')
    .at(-1)!;
  const record = JSON.parse(line) as Record<string, unknown>;
  const next = { ...record, seq: size, prev: toHex(leafHash(utf8(line))), ...members };
  return JSON.stringify(Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1))));
}

const append = (files: DamagedLog, size: number, text: string): void => {
  const path = segment(numberOf(size));
  files.put(path, Buffer.concat([files.has(path) ? files.bytes(path) : new Uint8Array(), Buffer.from(text)]));
};

/** Other logs of the same store. */
export interface Others {
  /** The same log, earlier. */
  readonly older: { readonly log: DamagedLog; readonly size: number };
  readonly empty: DamagedLog;
  /** As long, under the same keys, with other records. */
  readonly fork: DamagedLog;
}

export interface Damage {
  readonly name: string;
  readonly sizes: readonly number[];
  apply(files: DamagedLog, size: number, others: Others): void;
  readonly verdict: AuditVerdict;
  /** One of the findings. */
  readonly code: string;
  readonly index?: (size: number, others: Others) => number | null;
  /** Of the verifier; not that of the log. */
  readonly now?: string;
  /** A bit of this member of a record is flipped. */
  readonly member?: string;
}

const SMALL = SIGNED.filter((size) => size < 1000);
const tampered = { verdict: 'tampered' } as const;
const MEMBERS = [
  'actor',
  'alg',
  'boot',
  'input_hash',
  'kid',
  'op',
  'op_id',
  'prev',
  'purpose',
  'r',
  'result',
  'tenant',
  'ts',
];
const NUMBERS = ['kid_seq', 'mono', 'seq', 'v'];
const AT = 40;

const fields: readonly Damage[] = [...MEMBERS, ...NUMBERS, 'detail'].map((member) => ({
  name: `a bit of \`${member}\` flipped`,
  member,
  // Every member on the small logs; on the large ones those that are read in different ways.
  sizes: ['r', 'prev', 'seq'].includes(member) ? SIGNED : SMALL,
  apply: (files, size) => {
    const seq = ['r', 'prev', 'seq'].includes(member) ? middle(size) : AT;
    edit(files, numberOf(seq), (lines) => {
      const line = lines[seq % N]!;
      const marker = `"${member}":`;
      const at = line.lastIndexOf(marker) + marker.length + (NUMBERS.includes(member) ? 0 : 3);
      const code = line.charCodeAt(at) ^ 1;
      lines[seq % N] = line.slice(0, at) + String.fromCharCode(code) + line.slice(at + 1);
    });
  },
  ...tampered,
  code: 'leaf-mismatch',
  index: (size) => (['r', 'prev', 'seq'].includes(member) ? middle(size) : AT),
}));

export const DAMAGES: readonly Damage[] = [
  ...fields,
  {
    name: 'a record removed',
    sizes: SIGNED,
    apply: (files, size) => editMiddle(files, size, (lines, at) => lines.splice(at, 1)),
    ...tampered,
    code: 'leaf-mismatch',
    index: middle,
  },
  {
    name: 'a record inserted',
    sizes: SIGNED,
    apply: (files, size) =>
      editMiddle(files, size, (lines, at) => lines.splice(at, 0, lines[at]!.replace('"r":"', '"r":"_'))),
    ...tampered,
    code: 'leaf-mismatch',
    index: middle,
  },
  {
    name: 'a record duplicated',
    sizes: SIGNED,
    apply: (files, size) => editMiddle(files, size, (lines, at) => lines.splice(at, 0, lines[at]!)),
    ...tampered,
    code: 'leaf-mismatch',
    index: (size) => middle(size) + 1,
  },
  {
    name: 'two records swapped',
    sizes: SIGNED,
    apply: (files, size) => editMiddle(files, size, (lines, at) => lines.splice(at - 1, 2, lines[at]!, lines[at - 1]!)),
    ...tampered,
    code: 'leaf-mismatch',
    index: (size) => middle(size) - 1,
  },
  {
    name: 'the first record cut off',
    sizes: SIGNED,
    apply: (files) => edit(files, 0, (lines) => lines.splice(0, 1)),
    ...tampered,
    code: 'leaf-mismatch',
    index: () => 0,
  },
  {
    name: 'the last record cut off',
    sizes: SIGNED,
    apply: (files, size) => edit(files, last(size), (lines) => lines.pop()),
    ...tampered,
    code: 'truncated',
    index: (size) => size - 1,
  },
  {
    name: 'the last line torn',
    sizes: SIGNED,
    apply: (files, size) => files.put(segment(last(size)), files.bytes(segment(last(size))).slice(0, -7)),
    ...tampered,
    code: 'truncated',
    index: (size) => size - 1,
  },
  {
    name: 'the first segment gone',
    sizes: SIGNED,
    apply: (files) => files.drop(segment(0)),
    ...tampered,
    code: 'log-missing or missing-records',
    index: () => 0,
  },
  {
    name: 'the last segment emptied',
    sizes: SIGNED,
    apply: (files, size) => files.put(segment(last(size)), ''),
    ...tampered,
    code: 'log-missing or truncated',
    index: (size) => last(size) * N,
  },
  {
    name: 'the whole epoch gone',
    sizes: SIGNED,
    apply: (files) => files.drop(EPOCH),
    ...tampered,
    code: 'checkpoint-missing',
  },
  ...[0, 1, 2].map(
    (level): Damage => ({
      name: `a bit of a hash tile of level ${level}`,
      sizes: SIGNED.filter((size) => size >= 256 ** level),
      apply: (files) => flip(files, tilePaths(files, level)[0]!, 5),
      ...tampered,
      code: 'tile-mismatch',
      index: () => null,
    }),
  ),
  {
    name: 'a hash tile gone',
    sizes: SIGNED,
    apply: (files) => files.drop(tilePaths(files, 0).at(-1)!),
    ...tampered,
    code: 'tile-missing',
    index: () => null,
  },
  ...(
    [
      ['origin', 0, 3, 'checkpoint-origin'],
      ['size', 1, 0, 'checkpoint-signature'],
      ['root', 2, 4, 'checkpoint-signature'],
      ['Ed25519 signature', 4, 90, 'checkpoint-signature'],
      ['ML-DSA-44 signature', 5, 90, 'checkpoint-signature'],
    ] as const
  ).map(
    ([what, line, at, code]): Damage => ({
      name: `the ${what} of the checkpoint changed`,
      sizes: SMALL,
      apply: (files) =>
        noteLines(files, (lines) => {
          const old = lines[line]!;
          const swapped = /[0-9]/.test(old[at]!) ? (old[at] === '1' ? '2' : '1') : old[at] === 'A' ? 'B' : 'A';
          lines[line] = old.slice(0, at) + swapped + old.slice(at + 1);
        }),
      ...tampered,
      code,
    }),
  ),
  ...([4, 5] as const).map(
    (line): Damage => ({
      name: `the ${line === 4 ? 'Ed25519' : 'ML-DSA-44'} signature stripped`,
      sizes: SIGNED,
      apply: (files) => noteLines(files, (lines) => lines.splice(line, 1)),
      ...tampered,
      code: 'checkpoint-signature-missing',
    }),
  ),
  {
    name: 'an extension line in the checkpoint',
    sizes: SMALL,
    apply: (files) => noteLines(files, (lines) => lines.splice(3, 0, 'more')),
    ...tampered,
    code: 'checkpoint-malformed',
  },
  {
    name: '`checkpoint` gone',
    sizes: SIGNED,
    apply: (files) => files.drop(note),
    ...tampered,
    code: 'checkpoint-missing',
  },
  {
    name: 'checkpoints.jsonl gone',
    sizes: SIGNED,
    apply: (files) => files.drop(list),
    ...tampered,
    code: 'checkpoint-missing',
  },
  {
    name: 'two listed checkpoints swapped',
    sizes: [256, 257, 65_536, 65_537],
    apply: (files) => listLines(files, (lines) => lines.reverse()),
    ...tampered,
    code: 'checkpoint-size',
  },
  {
    name: 'a bit of a listed checkpoint',
    sizes: SMALL,
    apply: (files) => flip(files, list, 200),
    ...tampered,
    code: 'checkpoint-signature or checkpoint-malformed or checkpoint-origin or checkpoint-signature-missing',
  },
  {
    name: 'counters.json changed',
    sizes: SIGNED,
    apply: (files) => flip(files, `${EPOCH}/counters.json`, -3),
    ...tampered,
    code: 'counter',
  },
  {
    name: 'counters.json gone',
    sizes: SMALL,
    apply: (files) => files.drop(`${EPOCH}/counters.json`),
    ...tampered,
    code: 'counter',
  },
  {
    name: 'an older log in its place',
    sizes: SIGNED.slice(1),
    apply: (files, _, { older }) => files.takeFrom(older.log, AUDIT),
    ...tampered,
    code: 'rolled-back',
    index: (_, { older }) => older.size,
  },
  {
    name: 'an empty log in its place',
    sizes: SIGNED,
    apply: (files, _, { empty }) => files.takeFrom(empty, AUDIT),
    ...tampered,
    code: 'rolled-back',
    index: () => 0,
  },
  {
    name: 'a fork of the same size',
    sizes: SIGNED,
    apply: (files, _, { fork }) => files.takeFrom(fork, AUDIT),
    ...tampered,
    code: 'fork',
    index: (size) => size - 1,
  },
  {
    name: 'log.json gone, with a store beside it',
    sizes: SMALL,
    apply: (files) => {
      files.makeDirectory(`${HOME}/store`);
      files.drop(`${AUDIT}/log.json`);
    },
    ...tampered,
    code: 'log-missing',
  },
  {
    name: 'a line that does not belong behind the checkpoint',
    sizes: SIZES,
    apply: (files, size) => append(files, size, '{"v":1}\n'),
    ...tampered,
    code: 'tail-invalid',
    index: (size) => size,
  },
  {
    name: 'half a line behind the checkpoint',
    sizes: SIGNED,
    apply: (files, size) => append(files, size, '{"actor":"loc'),
    verdict: 'consistent',
    code: 'torn-tail',
  },
  {
    name: 'a record of a newer version behind the checkpoint',
    sizes: SIGNED,
    apply: (files, size) => append(files, size, `${following(files, size, { op: 'later.thing' })}\n`),
    verdict: 'inconclusive',
    code: 'newer-format',
    index: (size) => size,
  },
  {
    name: 'a clock behind the checkpoint',
    sizes: SMALL,
    apply: () => undefined,
    verdict: 'inconclusive',
    code: 'checkpoint-in-future',
    now: '2026-11-20T06:00:00.000Z',
  },
  {
    name: 'hints.json broken',
    sizes: SIGNED,
    apply: (files) => files.put(`${EPOCH}/hints.json`, '{}'),
    verdict: 'consistent',
    code: 'hints-wrong',
  },
];

/** What needs three segments. */
export const LARGE_DAMAGES: readonly Damage[] = [
  {
    name: 'a segment in the middle gone',
    sizes: [],
    apply: (files) => files.drop(segment(1)),
    ...tampered,
    code: 'missing-records',
    index: () => N,
  },
  {
    name: 'a segment in the place of another',
    sizes: [],
    apply: (files) => files.put(segment(1), files.bytes(segment(0))),
    ...tampered,
    code: 'leaf-mismatch',
    index: () => N,
  },
  {
    name: 'two segments swapped',
    sizes: [],
    apply: (files) => {
      const [first, second] = [files.bytes(segment(0)), files.bytes(segment(1))];
      files.put(segment(0), second);
      files.put(segment(1), first);
    },
    ...tampered,
    code: 'leaf-mismatch',
    index: () => 0,
  },
  {
    name: 'a checkpoint in the middle of the list changed',
    sizes: [],
    apply: (files) =>
      listLines(files, (lines) => {
        const at = lines.length >> 1;
        lines[at] = lines[at]!.replace(/"note_b64":"(.{200})(.)/, (_, before: string, one: string) => {
          return `"note_b64":"${before}${one === 'A' ? 'B' : 'A'}`;
        });
      }),
    ...tampered,
    code: 'checkpoint-signature or checkpoint-malformed',
  },
];
