// The damage matrix with the real binary: every kind of damage at the size where it says most, in every output mode; exit code,
// verdict, first index, the finding, and what is on which stream. All sizes are in test/operations/audit/damage-matrix.test.ts.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { AuditVerdict } from '../../src/audit/findings.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import { testClock } from '../support/audit.ts';
import { type Envelope, envelopeOf, type Run, runBinary } from '../support/binary.ts';
import { expectData } from '../support/data-schema.ts';
import { type DiskLog, logsOfSizes } from '../support/log-copies.ts';
import { DAMAGES, type Damage, type Others } from '../support/log-damages.ts';
import { scratch } from '../support/scratch.ts';

const MODES = ['table', 'json', 'yaml'] as const;
type Mode = (typeof MODES)[number];
const EXIT: Readonly<Record<AuditVerdict, number>> = { consistent: 0, inconclusive: 11, tampered: 10 };
const ERROR: Readonly<Record<AuditVerdict, string>> = {
  consistent: '',
  inconclusive: 'Inconclusive',
  tampered: 'Tampered',
};
const HOUR_MS = 3_600_000;
const SIZE = 257;
const LARGE = 65_537;
/** Kinds that say more with a second segment, or a third level of tiles. */
const ON_LARGE: ReadonlySet<string> = new Set(['the last segment emptied', 'a bit of a hash tile of level 2']);

const root = scratch();
const onDisk = new Map<string, DiskLog>();
const log = (name: string): DiskLog => onDisk.get(name)!;
const cells = new Map<string, string>();

/** A clock that begins as long before now. */
const before = (ms: number) => testClock(Date.now() - ms - testClock().wall);

const verify = (home: string, mode: Mode): Promise<Run> =>
  runBinary(['audit', 'verify', ...(mode === 'table' ? [] : ['-o', mode])], { env: { RONCTL_HOME: home, HOME: root } });

beforeAll(async () => {
  const logs = await logsOfSizes([0, SIZE - 1, SIZE, LARGE], 20_000, before(3 * HOUR_MS));
  for (const [size, made] of logs) onDisk.set(String(size), made.writeTo(join(root, String(size))));
  const fork = await logsOfSizes([100, SIZE], 200, before(3 * HOUR_MS));
  onDisk.set('fork', fork.get(SIZE)!.writeTo(join(root, 'fork')));
  const future = await logsOfSizes([SIZE], 200, before(-HOUR_MS));
  onDisk.set('future', future.get(SIZE)!.writeTo(join(root, 'future')));
  // What is undamaged is consistent, and remembered from then on.
  for (const size of [SIZE, LARGE]) {
    const run = await verify(log(String(size)).directory, 'json');
    expect(envelopeOf<AuditVerifyResult>(run).data).toMatchObject({ verdict: 'consistent', remembered: true });
  }
});

/** What one run said: the envelope of json and yaml, the first line of a table. */
function judge(run: Run, mode: Mode, expected: Damage, index: number | null | undefined): void {
  const context = `${expected.name}; ${mode}\n${run.stdout}\n${run.stderr}`;
  const codes = expected.code.split(' or ');
  expect(run.exit, context).toBe(EXIT[expected.verdict]);
  if (mode === 'table') {
    const first = /^(\w+)(?:, first at record (\d+))?\n/.exec(run.stdout);
    expect(first?.[1], context).toBe(expected.verdict);
    if (index !== undefined) expect(first?.[2], context).toBe(index === null ? undefined : String(index));
    expect(
      codes.some((code) => run.stdout.includes(`\n  ${code} `)),
      context,
    ).toBe(true);
    if (expected.verdict === 'consistent') expect(run.stderr, context).toBe('');
    else {
      expect(run.stderr, context).toMatch(new RegExp(`^ronctl: error ${ERROR[expected.verdict]}: `));
      expect(run.stderr, context).toMatch(/\n {2}next {2}.*\n/);
    }
    return;
  }
  const envelope =
    mode === 'json' ? envelopeOf<AuditVerifyResult>(run) : (parse(run.stdout) as Envelope<AuditVerifyResult>);
  const data = envelope.data!;
  expectData('audit/verify', data);
  expect([run.stderr, envelope.ok, envelope.schema], context).toEqual(['', run.exit === 0, 'ronctl/audit.verify/1']);
  expect(data.verdict, context).toBe(expected.verdict);
  if (index !== undefined) expect(data.first_index, context).toBe(index);
  expect(
    data.findings.some((one) => codes.includes(one.code)),
    context,
  ).toBe(true);
  if (expected.verdict === 'consistent') expect(envelope.error, context).toBeUndefined();
  else {
    expect(envelope.error, context).toMatchObject({ code: ERROR[expected.verdict], field: data.findings[0]!.code });
  }
  cells.set(expected.name, `${run.exit}${data.first_index === null ? '' : ` @${data.first_index}`}`);
}

describe('the binary', () => {
  afterAll(() => {
    const width = Math.max(...DAMAGES.map((one) => one.name.length));
    const lines = DAMAGES.map(({ name }) => `${name.padEnd(width)} ${cells.get(name) ?? ''}\n`);
    process.stdout.write(
      `exit code and first index of \`ronctl audit verify\`, the same in ${MODES.join(', ')}\n${lines.join('')}`,
    );
  });

  const others: () => Others = () => ({
    older: { log: log(String(SIZE - 1)), size: SIZE - 1 },
    empty: log('0'),
    fork: log('fork'),
  });

  test.each(DAMAGES.map((one, at) => [one.name, one, at] as const))('%s', async (name, damage, at) => {
    const size = ON_LARGE.has(name) ? LARGE : SIZE;
    const from = damage.now === undefined ? String(size) : 'future';
    // Members of a record differ in their bytes alone: each is judged in one mode, in turn.
    for (const mode of damage.member === undefined ? MODES : [MODES[at % MODES.length]!]) {
      const files = log(from).copyTo(join(root, 'damaged'));
      damage.apply(files, size, others());
      judge(await verify(files.directory, mode), mode, damage, damage.index?.(size, others()));
      rmSync(files.directory, { recursive: true });
    }
  });
});
