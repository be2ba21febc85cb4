// The damage matrix (log page 4.8, 4.12): logs around the borders of tiles and segments x every kind of damage x every output
// mode. Each cell has its verdict, exit code and first index; the table is printed. The logs are built once, in memory.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditVerdict } from '../../../src/audit/findings.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { reporter } from '../../../src/cli/report.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import { type AuditVerifyResult, verdictError } from '../../../src/operations/audit/verify-result.ts';
import { auditVerifyView } from '../../../src/views/audit/verify.ts';
import { testClock } from '../../support/audit.ts';
import { expectData } from '../../support/data-schema.ts';
import { HOME, type LogCopy, logsOfSizes } from '../../support/log-copies.ts';
import { DAMAGES, type Damage, type Others, SIGNED, SIZES } from '../../support/log-damages.ts';

const NOW = '2026-11-20T10:00:00.000Z';

let logs: ReadonlyMap<number, LogCopy>;
let others: ReadonlyMap<number, LogCopy>;

async function verify(files: LogCopy, change: { now?: string; fast?: boolean } = {}): Promise<AuditVerifyResult> {
  const clock = { ...testClock(), now: () => Date.parse(change.now ?? NOW) };
  const workers = { parallelism: 1, prepare: () => undefined, run: () => Promise.reject(new Error('no worker here')) };
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

const EXIT: Readonly<Record<AuditVerdict, number>> = { consistent: 0, inconclusive: 11, tampered: 10 };
const cells = new Map<string, string>();

/** The logs that may stand in the place of one of `size`. */
function othersOf(size: number): Others {
  const older = SIZES[SIZES.indexOf(size as (typeof SIZES)[number]) - 1] ?? 0;
  return { older: { log: logs.get(older)!, size: older }, empty: logs.get(0)!, fork: others.get(size)! };
}

async function judge(name: string, size: number, files: LogCopy, expected: Damage): Promise<void> {
  const result = await verify(files, expected.now === undefined ? {} : { now: expected.now });
  const codes = [...new Set(result.findings.map((one) => one.code))];
  const context = `${name}, ${size} records: ${result.findings.map((one) => `${one.code} ${one.index ?? ''}`).join(', ')}`;
  expect(result.verdict, context).toBe(expected.verdict);
  expect(
    codes.some((code) => expected.code.split(' or ').includes(code)),
    context,
  ).toBe(true);
  if (expected.index !== undefined) expect(result.first_index, context).toBe(expected.index(size, othersOf(size)));
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
      damage.apply(files, size, othersOf(size));
      await judge(name, size, files, damage);
    }
  });
});
