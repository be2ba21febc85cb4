// The damage matrix (log page 4.8, 4.12): logs around the borders of tiles and segments x every kind of damage x every output
// mode. Each cell has its verdict, exit code and first index; the table is printed. The logs are built once, in memory.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditVerdict } from '../../../src/audit/findings.ts';
import { leafHash } from '../../../src/audit/leaf.ts';
import { toHex } from '../../../src/bytes/hex.ts';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { reporter } from '../../../src/cli/report.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import { type AuditVerifyResult, verdictError } from '../../../src/operations/audit/verify-result.ts';
import { auditVerifyView } from '../../../src/views/audit/verify.ts';
import { testClock } from '../../support/audit.ts';
import { expectData } from '../../support/data-schema.ts';
import { AUDIT, EPOCH, HOME, type LogCopy, logsOfSizes } from '../../support/log-copies.ts';

const N = 65_536;
const SIZES = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537] as const;
/** Sizes with a checkpoint: a log of less has no `manifest` record to sign. */
const SIGNED = SIZES.filter((size) => size > 2);
const NOW = '2026-11-20T10:00:00.000Z';

let logs: ReadonlyMap<number, LogCopy>;
let others: ReadonlyMap<number, LogCopy>;

async function verify(files: LogCopy, change: { now?: string; fast?: boolean } = {}): Promise<AuditVerifyResult> {
  const clock = { ...testClock(), now: () => Date.parse(change.now ?? NOW) };
  const workers = { parallelism: 1, run: () => Promise.reject(new Error('no worker here')) };
  const host = { ...nodeHost(), clock, files, workers };
  const deps = { host, home: HOME, crypto: async () => nativeCrypto(), onProgress: () => undefined };
  return auditVerify({ target: null, fast: change.fast ?? false, headKeys: null }, deps);
}

/** What the command prints in one mode, and the exit code that goes with it. */
async function printed(
  result: AuditVerifyResult,
  format: 'table' | 'json' | 'yaml',
): Promise<{ readonly text: string; readonly exit: number }> {
  let text = '';
  const write = (part: Uint8Array | string): void => {
    text += typeof part === 'string' ? part : Buffer.from(part).toString();
  };
  const host = nodeHost();
  const terminal = { ...host.terminal, stdoutIsTty: false, stderrIsTty: false, writeStdout: write, writeStderr: write };
  const error = verdictError(result);
  const report = reporter({ ...host, terminal }, { format, noColor: true });
  await report.result('ronctl/audit.verify/1', result, () => auditVerifyView(result), error);
  return { text, exit: error?.exit ?? 0 };
}

const segment = (number: number): string => `${EPOCH}/segments/${String(number).padStart(6, '0')}.jsonl`;
const numberOf = (seq: number): number => Math.floor(seq / N);
const last = (size: number): number => numberOf(size - 1);
const middle = (size: number): number => Math.floor(size / 2);
const textOf = (files: LogCopy, path: string): string => Buffer.from(files.bytes(path)).toString();

function edit(files: LogCopy, number: number, change: (lines: string[]) => void): void {
  const lines = textOf(files, segment(number)).split('\n').slice(0, -1);
  change(lines);
  files.put(segment(number), lines.map((line) => `${line}\n`).join(''));
}

function flip(files: LogCopy, path: string, at: number): void {
  const bytes = files.bytes(path).slice();
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  files.put(path, bytes);
}

const note = `${EPOCH}/checkpoint`;
const list = `${EPOCH}/checkpoints.jsonl`;
const noteLines = (files: LogCopy, change: (lines: string[]) => void): void => {
  const lines = textOf(files, note).split('\n');
  change(lines);
  files.put(note, lines.join('\n'));
};
const listLines = (files: LogCopy, change: (lines: string[]) => void): void => {
  const lines = textOf(files, list).trimEnd().split('\n');
  change(lines);
  files.put(list, `${lines.join('\n')}\n`);
};
const tilePaths = (files: LogCopy, level: number): string[] => files.below(`${EPOCH}/tile/${level}`).sort();

/** A line that would follow the last one. */
function following(files: LogCopy, size: number, members: object): string {
  const line = textOf(files, segment(last(size)))
    .trimEnd()
    .split('\n')
    .at(-1)!;
  const record = JSON.parse(line) as Record<string, unknown>;
  const next = { ...record, seq: size, prev: toHex(leafHash(utf8(line))), ...members };
  return JSON.stringify(Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1))));
}

const append = (files: LogCopy, size: number, text: string): void => {
  const path = segment(numberOf(size));
  files.put(path, Buffer.concat([files.has(path) ? files.bytes(path) : new Uint8Array(), Buffer.from(text)]));
};

interface Damage {
  readonly name: string;
  readonly sizes: readonly number[];
  apply(files: LogCopy, size: number): void;
  readonly verdict: AuditVerdict;
  /** One of the findings. */
  readonly code: string;
  readonly index?: (size: number) => number | null;
  readonly now?: string;
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

const DAMAGES: readonly Damage[] = [
  ...fields,
  {
    name: 'a record removed',
    sizes: SIGNED,
    apply: (files, size) => edit(files, 0, (lines) => lines.splice(middle(size), 1)),
    ...tampered,
    code: 'leaf-mismatch',
    index: middle,
  },
  {
    name: 'a record inserted',
    sizes: SIGNED,
    apply: (files, size) =>
      edit(files, 0, (lines) => lines.splice(middle(size), 0, lines[middle(size)]!.replace('"r":"', '"r":"_'))),
    ...tampered,
    code: 'leaf-mismatch',
    index: middle,
  },
  {
    name: 'a record duplicated',
    sizes: SIGNED,
    apply: (files, size) => edit(files, 0, (lines) => lines.splice(middle(size), 0, lines[middle(size)]!)),
    ...tampered,
    code: 'leaf-mismatch',
    index: (size) => middle(size) + 1,
  },
  {
    name: 'two records swapped',
    sizes: SIGNED,
    apply: (files, size) =>
      edit(files, 0, (lines) => lines.splice(middle(size) - 1, 2, lines[middle(size)]!, lines[middle(size) - 1]!)),
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
    apply: (files, size) => files.takeFrom(logs.get(SIZES[SIZES.indexOf(size as (typeof SIZES)[number]) - 1]!)!, AUDIT),
    ...tampered,
    code: 'rolled-back',
    index: (size) => SIZES[SIZES.indexOf(size as (typeof SIZES)[number]) - 1]!,
  },
  {
    name: 'an empty log in its place',
    sizes: SIGNED,
    apply: (files) => files.takeFrom(logs.get(0)!, AUDIT),
    ...tampered,
    code: 'rolled-back',
    index: () => 0,
  },
  {
    name: 'a fork of the same size',
    sizes: SIGNED,
    apply: (files, size) => files.takeFrom(others.get(size)!, AUDIT),
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

const EXIT: Readonly<Record<AuditVerdict, number>> = { consistent: 0, inconclusive: 11, tampered: 10 };
const cells = new Map<string, string>();

async function judge(name: string, size: number, files: LogCopy, expected: Damage): Promise<void> {
  const result = await verify(files, expected.now === undefined ? {} : { now: expected.now });
  const codes = [...new Set(result.findings.map((one) => one.code))];
  const context = `${name}, ${size} records: ${result.findings.map((one) => `${one.code} ${one.index ?? ''}`).join(', ')}`;
  expect(result.verdict, context).toBe(expected.verdict);
  expect(
    codes.some((code) => expected.code.split(' or ').includes(code)),
    context,
  ).toBe(true);
  if (expected.index !== undefined) expect(result.first_index, context).toBe(expected.index(size));
  expectData('audit/verify', result);
  const where = result.first_index === null ? '' : `, first at record ${result.first_index}`;
  for (const format of ['table', 'json', 'yaml'] as const) {
    const { text, exit } = await printed(result, format);
    expect(exit, `${context}; ${format}`).toBe(EXIT[expected.verdict]);
    const says =
      format === 'table'
        ? text.startsWith(`${expected.verdict}${where}\n`)
        : format === 'json'
          ? text.includes(`"verdict":"${expected.verdict}"`)
          : text.includes(`verdict: ${expected.verdict}\n`);
    expect(says, `${context}; ${format}:\n${text.slice(0, 400)}`).toBe(true);
  }
  cells.set(
    `${name}\t${size}`,
    `${EXIT[result.verdict]}${result.first_index === null ? '' : ` @${result.first_index}`}`,
  );
}

beforeAll(async () => {
  const made = await logsOfSizes(SIZES, 20_000);
  for (const size of SIGNED) expect((await verify(made.get(size)!)).verdict).toBe('consistent');
  logs = made;
  others = await logsOfSizes([...SIZES, 100], 19_000);
});

describe('damage matrix', () => {
  afterAll(() => {
    const width = Math.max(...DAMAGES.map((one) => one.name.length));
    const row = (name: string, of: (size: number) => string): string =>
      `${name.padEnd(width)} ${SIZES.map((size) => of(size).padStart(10)).join(' ')}\n`;
    const lines = ['undamaged', ...DAMAGES.map((one) => one.name)].map((name) =>
      row(name, (size) => cells.get(`${name}\t${size}`) ?? '-'),
    );
    process.stdout.write(`exit code and first index\n${row('records', String)}${lines.join('')}`);
  });

  const clean: Damage = { name: 'undamaged', sizes: SIZES, apply: () => undefined, verdict: 'consistent', code: '' };

  test.each(SIZES)('an undamaged log of %i records', async (size) => {
    const files = logs.get(size)!.copy();
    if (size < 3) {
      await judge('undamaged', size, files, { ...clean, verdict: 'inconclusive', code: 'no-checkpoint' });
      return;
    }
    const result = await verify(files);
    expect(result).toMatchObject({ verdict: 'consistent', findings: [], first_index: null });
    cells.set(`undamaged\t${size}`, '0');
  });

  test.each(DAMAGES.map((one) => [one.name, one] as const))('%s', async (name, damage) => {
    for (const size of damage.sizes) {
      const files = logs.get(size)!.copy();
      damage.apply(files, size);
      await judge(name, size, files, damage);
    }
  });
});
