// `audit verify` against a checkpoint that somebody kept, and from one on: the same verdict as a full read for whatever lies
// behind it, nothing read before it, and no tile believed without the root of the checkpoint.

import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import { exportAnchor, importAnchor } from '../../../src/operations/audit/anchor.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { homePaths } from '../../../src/storage/home.ts';
import { auditVerifyView } from '../../../src/views/audit/verify.ts';
import { testClock } from '../../support/audit.ts';
import { expectData } from '../../support/data-schema.ts';
import { AUDIT, EPOCH, HOME, type LogCopy, logsOfSizes } from '../../support/log-copies.ts';
import { refusalOf } from '../../support/refusal.ts';

const SIZES = [3, 255, 256, 257, 400, 65_535, 65_536, 65_537, 66_000] as const;
let logs: ReadonlyMap<number, LogCopy>;
let notes: ReadonlyMap<number, Uint8Array>;
const copyOf = (size: number): LogCopy => logs.get(size)!.copy();

function depsOf(files: LogCopy) {
  const clock = { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') };
  const workers = { parallelism: 1, prepare: () => undefined, run: () => Promise.reject(new Error('no worker here')) };
  const host = { ...nodeHost(), clock, files, workers };
  return { host, home: HOME, crypto: async () => nativeCrypto(), onProgress: () => undefined, dryRun: false };
}

interface Given {
  readonly anchor?: number | Uint8Array;
  readonly since?: number | 'remembered';
  readonly target?: string;
  readonly fast?: boolean;
}

async function verify(files: LogCopy, given: Given = {}): Promise<AuditVerifyResult> {
  const note = (one: number | Uint8Array) => ({
    name: 'kept',
    note: typeof one === 'number' ? notes.get(one)! : one,
  });
  const result = await auditVerify(
    {
      target: given.target ?? null,
      fast: given.fast ?? false,
      headKeys: null,
      anchor: given.anchor === undefined ? null : note(given.anchor),
      since: given.since === undefined ? null : given.since === 'remembered' ? 'remembered' : note(given.since),
    },
    depsOf(files),
  );
  expectData('audit/verify', result);
  return result;
}

const codes = (result: AuditVerifyResult): string[] => [...new Set(result.findings.map((one) => one.code))];

const segmentOf = (seq: number): string =>
  `${EPOCH}/segments/${String(Math.floor(seq / 65_536)).padStart(6, '0')}.jsonl`;

/** Changes a byte of `r` in one record. */
function flipRecord(files: LogCopy, seq: number): void {
  const path = segmentOf(seq);
  const bytes = Buffer.from(files.bytes(path));
  const at = bytes.indexOf(`,"seq":${seq},`);
  const r = bytes.lastIndexOf('"r":"', at) + 5;
  bytes[r] = bytes[r] === 0x78 ? 0x79 : 0x78;
  files.put(path, bytes);
}

beforeAll(async () => {
  logs = await logsOfSizes(SIZES, 20_000);
  const made = new Map<number, Uint8Array>();
  for (const size of SIZES) {
    made.set(size, utf8((await exportAnchor({ epoch: null }, depsOf(copyOf(size)))).note));
  }
  notes = made;
});

describe('--anchor', () => {
  it('holds for every older checkpoint of the log, and says which one was compared', async () => {
    for (const size of SIZES) {
      const result = await verify(copyOf(66_000), { anchor: size, fast: true });
      expect(result).toMatchObject({ verdict: 'consistent', epochs: [{ anchor: { size }, remembered: null }] });
    }
  });

  it('finds a log that was rolled back or cut below it; a copy may be older', async () => {
    const live = await verify(copyOf(256), { anchor: 257 });
    expect(live).toMatchObject({ verdict: 'tampered', first_index: 256 });
    expect(codes(live)).toEqual(['rolled-back']);
    const files = copyOf(3);
    files.takeFrom(copyOf(256), AUDIT);
    files.put('/copy/x', '');
    const copy = files.copy();
    for (const path of copyOf(256).below(AUDIT)) copy.put(path.replace(AUDIT, '/copy'), copyOf(256).bytes(path));
    for (const path of ['/copy', '/copy/e0', '/copy/e0/segments']) copy.makeDirectory(path);
    const older = await verify(copy, { anchor: 257, target: '/copy' });
    expect(older).toMatchObject({ verdict: 'inconclusive', kind: 'copy' });
    expect(codes(older)).toEqual(['older-copy']);
  });

  it('finds a fork, and keeps both notes as evidence', async () => {
    const other = (await logsOfSizes([3, 257, 400], 100)).get(400)!;
    const files = copyOf(400);
    await verify(files);
    const note = utf8((await exportAnchor({ epoch: null }, depsOf(other))).note);
    const result = await verify(files, { anchor: note });
    expect(result).toMatchObject({ verdict: 'tampered', remembered: false });
    expect(codes(result)).toEqual(['fork']);
    const kept = JSON.parse(Buffer.from(files.bytes(result.evidence!)).toString()) as {
      objects: { checkpoint_b64: string }[];
    };
    const texts = kept.objects.map((one) => Buffer.from(one.checkpoint_b64, 'base64').toString());
    expect(texts.sort()).toEqual([Buffer.from(note).toString(), Buffer.from(notes.get(400)!).toString()].sort());
  });

  it('refuses an anchor that does not hold itself, and one of a log that is not here', async () => {
    const text = Buffer.from(notes.get(257)!).toString();
    const stripped = utf8(text.split('\n').slice(0, 5).join('\n').concat('\n'));
    expect(await refusalOf(verify(copyOf(400), { anchor: stripped }))).toMatchObject({
      code: 'VerificationFailed',
      field: 'checkpoint-signature-missing',
    });
    const other = utf8(text.replace('0123456789abcdef0123', '0000000000000000ffff'));
    expect(await refusalOf(verify(copyOf(400), { anchor: other }))).toMatchObject({ code: 'NoTrustedKey' });
    expect(await refusalOf(verify(copyOf(400), { anchor: utf8('no note\n') }))).toMatchObject({ code: 'Malformed' });
  });
});

describe('--since-anchor', () => {
  it('reads only what follows, at every border', async () => {
    for (const size of SIZES) {
      for (const fast of [false, true]) {
        const files = copyOf(66_000);
        const result = await verify(files, { since: size, fast });
        expect(result.findings, `from ${size}`).toEqual([]);
        expect(result).toMatchObject({
          verdict: 'consistent',
          remembered: true,
          epochs: [{ since: { size }, records: 66_000, covered: 66_000 }],
        });
        if (size >= 65_536) expect(files.readPaths.has(segmentOf(0)), `from ${size}`).toBe(false);
        const rest = files.bytes(segmentOf(0)).length * (1 - size / 65_536) + files.bytes(segmentOf(65_536)).length;
        expect(files.readBytes, `from ${size}`).toBeLessThan(Math.max(0, rest) + 8_000_000);
      }
    }
  });

  it('begins at the remembered checkpoint, and says what it was', async () => {
    const files = copyOf(65_537);
    expect(await refusalOf(verify(files, { since: 'remembered' }))).toMatchObject({
      code: 'Inconclusive',
      field: 'no-checkpoint',
    });
    await verify(files);
    files.takeFrom(copyOf(66_000), AUDIT);
    const result = await verify(files, { since: 'remembered' });
    expect(result).toMatchObject({
      verdict: 'consistent',
      epochs: [{ since: { size: 65_537 }, remembered: { size: 65_537 }, checkpoint: { size: 66_000 } }],
    });
    // What was compared is said before what is remembered from now on.
    const text = auditVerifyView(result).map((block) => JSON.stringify(block));
    const at = (words: string): number => text.findIndex((block) => block.includes(words));
    expect(at('the checkpoint remembered before: size 65537')).toBeGreaterThan(0);
    expect(at('remembered from now on: size 66000')).toBeGreaterThan(at('remembered before'));
    expect((await verify(files)).epochs[0]!.remembered!.size).toBe(66_000);
  });

  const behind = [65_535, 65_536, 65_537] as const;
  it.each(behind)('finds what is changed, removed or cut behind %i, with the index of a full read', async (from) => {
    const damages: readonly [string, (files: LogCopy) => void][] = [
      ['flipped first', (files) => flipRecord(files, from)],
      ['flipped', (files) => flipRecord(files, 65_700)],
      ['flipped last', (files) => flipRecord(files, 65_999)],
      [
        'removed',
        (files) => {
          const path = segmentOf(65_700);
          const text = Buffer.from(files.bytes(path)).toString().split('\n');
          files.put(path, text.toSpliced(65_700 - 65_536, 1).join('\n'));
        },
      ],
      ['segment gone', (files) => files.drop(segmentOf(65_700))],
      ['tail cut', (files) => files.put(segmentOf(65_700), files.bytes(segmentOf(65_700)).slice(0, 30_000))],
    ];
    for (const [name, damage] of damages) {
      const files = copyOf(66_000);
      damage(files);
      const whole = await verify(files.copy());
      const since = await verify(files, { since: from });
      expect(whole.verdict, name).toBe('tampered');
      expect([since.verdict, since.first_index], name).toEqual([whole.verdict, whole.first_index]);
    }
  });

  it('believes no tile that does not lead to the root of the checkpoint', async () => {
    for (const from of [257, 65_537] as const) {
      const paths = copyOf(66_000).below(`${EPOCH}/tile`);
      // Every tile above the leaves, and some of the leaves.
      for (const path of paths.filter((one, at) => !one.includes('/tile/0/') || at % 25 === 0)) {
        const files = copyOf(66_000);
        const bytes = files.bytes(path).slice();
        bytes[5]! ^= 1;
        files.put(path, bytes);
        files.readPaths.clear();
        const result = await verify(files, { since: from, fast: true });
        // Tiles that were not needed for what is judged stay unread and unjudged.
        if (files.readPaths.has(path)) expect(result.verdict, `${from} ${path}`).toBe('tampered');
      }
    }
    const gone = copyOf(66_000);
    gone.drop(`${EPOCH}/tile`);
    expect(codes(await verify(gone, { since: 257 }))).toEqual(['tile-missing']);
  });

  it('finds a fork, a rolled-back log and a head that was cut', async () => {
    const other = (await logsOfSizes([3, 257, 400, 66_000], 300)).get(66_000)!;
    const forked = await verify(other.copy(), { since: 65_537 });
    expect(codes(forked)).toEqual(['fork']);
    expect(forked.evidence).not.toBeNull();
    const back = await verify(copyOf(65_536), { since: 65_537 });
    expect(back).toMatchObject({ verdict: 'tampered', first_index: 65_536 });
    const headless = copyOf(66_000);
    const path = segmentOf(0);
    headless.put(path, headless.bytes(path).slice(headless.bytes(path).length >> 1));
    expect((await verify(headless, { since: 400 })).verdict).toBe('tampered');
    headless.drop(path);
    expect((await verify(headless, { since: 400 })).verdict).toBe('tampered');
  });

  it('compares with an older remembered checkpoint from the tiles', async () => {
    const files = copyOf(66_000);
    await importAnchor({ bytes: notes.get(257)!, name: 'kept' }, depsOf(files));
    const result = await verify(files, { since: 65_537 });
    expect(result).toMatchObject({ verdict: 'consistent', epochs: [{ remembered: { size: 257 } }] });
    const memory = files.below(homePaths(HOME).trustedLogs);
    expect(Buffer.from(files.bytes(memory[0]!)).toString()).toContain('\n66000\n');
  });
});
