// `audit prove`, `check-proof` and `anchor` on logs in memory: what is proved, what is refused and with which code, and how
// little is read.

import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import { RonError } from '../../../src/errors.ts';
import { exportAnchor, importAnchor } from '../../../src/operations/audit/anchor.ts';
import { type AuditCheckProofResult, auditCheckProof } from '../../../src/operations/audit/check-proof.ts';
import { type AuditProveResult, auditProve, type OldTree } from '../../../src/operations/audit/prove.ts';
import { homePaths } from '../../../src/storage/home.ts';
import { testClock } from '../../support/audit.ts';
import { expectData } from '../../support/data-schema.ts';
import { EPOCH, HOME, type LogCopy, logsOfSizes } from '../../support/log-copies.ts';

const SIZES = [3, 255, 256, 257, 65_535, 65_536, 65_537] as const;
let logs: ReadonlyMap<number, LogCopy>;
beforeAll(async () => {
  logs = await logsOfSizes(SIZES, 20_000);
});
const copyOf = (size: number): LogCopy => logs.get(size)!.copy();

function depsOf(files: LogCopy) {
  const clock = { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') };
  const host = { ...nodeHost(), clock, files };
  return { host, home: HOME, crypto: async () => nativeCrypto(), onProgress: () => undefined, dryRun: false };
}

async function refused(work: Promise<unknown>): Promise<RonError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof RonError) return thrown;
  throw thrown ?? new Error('nothing was refused');
}

const prove = (files: LogCopy, index: number, size: number | null = null): Promise<AuditProveResult> =>
  auditProve({ index, size, epoch: null, consistency: null }, depsOf(files));
const proveFrom = (files: LogCopy, consistency: OldTree, size: number | null = null): Promise<AuditProveResult> =>
  auditProve({ index: null, size, epoch: null, consistency }, depsOf(files));
const check = (files: LogCopy, proof: string | Uint8Array, old: string | null = null): Promise<AuditCheckProofResult> =>
  auditCheckProof(
    {
      proof: typeof proof === 'string' ? utf8(proof) : proof,
      name: 'proof',
      old: old === null ? null : { note: utf8(old), name: 'old' },
    },
    depsOf(files),
  );
const noteOf = async (files: LogCopy): Promise<string> => (await exportAnchor({ epoch: null }, depsOf(files))).note;
const memoryOf = (files: LogCopy): string[] =>
  files.below(homePaths(HOME).trustedLogs).filter((one) => one.endsWith('.checkpoint'));

describe.each(SIZES)('a log of %i records', (size) => {
  it('proves its records, and the proof is judged without the log', async () => {
    const files = copyOf(size);
    for (const index of new Set([0, Math.floor(size / 2), size - 2, size - 1])) {
      const proven = await prove(files, index);
      expectData('audit/prove', proven);
      const alone = copyOf(size);
      alone.drop(`${EPOCH}/segments`);
      alone.drop(`${EPOCH}/tile`);
      const checked = await check(alone, proven.proof);
      expectData('audit/check-proof', checked);
      expect(checked).toMatchObject({ kind: 'inclusion', index, leaf: proven.leaf, known: true, trust: 'local' });
      expect(checked.record).toMatchObject({ seq: index });
      expect(checked.checkpoint.size).toBe(size);
    }
  });

  it('reads O(log n): a few tiles, a few blocks of one segment', async () => {
    const files = copyOf(size);
    await prove(files, Math.floor(size / 3));
    const tiles = [...files.readPaths].filter((path) => path.includes('/tile/'));
    expect(tiles.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log(size) / Math.log(256)) + 1);
    expect(files.reads).toBeLessThanOrEqual(tiles.length + 14);
    expect(files.readBytes).toBeLessThan(600_000);
    const consistent = copyOf(size);
    await proveFrom(consistent, { kind: 'size', size: Math.max(1, Math.floor(size / 3)) });
    expect([...consistent.readPaths].some((path) => path.includes('/segments/'))).toBe(false);
    expect(consistent.reads).toBeLessThanOrEqual(14);
  });
});

describe('proofs under older checkpoints', () => {
  it('takes the size that was signed, and names the nearest ones', async () => {
    const files = copyOf(65_537);
    const proven = await prove(files, 200, 257);
    expect(proven.checkpoint.size).toBe(257);
    expect((await check(files, proven.proof)).checkpoint.size).toBe(257);
    const wrong = await refused(prove(files, 200, 258));
    expect(wrong).toMatchObject({ code: 'NotFound', field: '--size' });
    expect(wrong.hint).toContain('257 and');
    expect(await refused(prove(files, 200, 70_000))).toMatchObject({ code: 'NotFound', field: '--size' });
    expect(await refused(prove(files, 300, 257))).toMatchObject({ code: 'NotAuthenticated', field: 'INDEX' });
    expect(await refused(prove(files, 65_537))).toMatchObject({ code: 'NotFound', field: 'INDEX' });
  });

  it('refuses a checkpoint of that size that was changed', async () => {
    const files = copyOf(257);
    const path = `${EPOCH}/checkpoints.jsonl`;
    const lines = Buffer.from(files.bytes(path)).toString().trimEnd().split('\n');
    const at = lines.findIndex((line) => line.endsWith('"size":255}'));
    const line = JSON.parse(lines[at]!) as { note_b64: string; size: number };
    const note = Buffer.from(line.note_b64, 'base64').toString().split('\n');
    note[2] = Buffer.alloc(32, 7).toString('base64');
    lines[at] = JSON.stringify({ note_b64: Buffer.from(note.join('\n')).toString('base64'), size: 255 });
    files.put(path, `${lines.join('\n')}\n`);
    expect(await refused(prove(files, 3, 255))).toMatchObject({ code: 'Tampered', field: 'checkpoint-signature' });
  });

  it('refuses a record that was changed, moved or is gone', async () => {
    const segment = `${EPOCH}/segments/000000.jsonl`;
    const edit = (change: (lines: string[]) => void): LogCopy => {
      const files = copyOf(257);
      const lines = Buffer.from(files.bytes(segment)).toString().trimEnd().split('\n');
      change(lines);
      files.put(segment, `${lines.join('\n')}\n`);
      return files;
    };
    const flipped = edit((lines) => {
      lines[40] = lines[40]!.replace(/"r":"./, (text) => `"r":"${text.endsWith('x') ? 'y' : 'x'}`);
    });
    expect(await refused(prove(flipped, 40))).toMatchObject({ code: 'Tampered', field: 'leaf-mismatch' });
    const claims = edit((lines) => {
      lines[200] = lines[200]!.replace('"seq":200', '"seq":40');
    });
    expect((await prove(claims, 40)).index).toBe(40);
    expect(await refused(prove(claims, 200))).toMatchObject({ code: 'Tampered', field: 'leaf-mismatch' });
    const gone = edit((lines) => lines.splice(100));
    expect(await refused(prove(gone, 200))).toMatchObject({ code: 'Tampered', field: 'missing-records' });
    const tiles = copyOf(257);
    for (const path of tiles.below(`${EPOCH}/tile`)) {
      const bytes = tiles.bytes(path).slice();
      bytes[0]! ^= 1;
      tiles.put(path, bytes);
    }
    expect(await refused(prove(tiles, 200))).toMatchObject({ code: 'Tampered', field: 'leaf-mismatch' });
    tiles.drop(`${EPOCH}/tile`);
    expect(await refused(prove(tiles, 200))).toMatchObject({ code: 'Tampered', field: 'tile-missing' });
  });
});

describe('check-proof', () => {
  it('refuses every changed byte of a proof, with 3 or 10', async () => {
    const files = copyOf(257);
    const good = utf8((await prove(files, 9)).proof);
    const answers = new Map<string, number>();
    for (let at = 0; at < good.length; at += at < 700 ? 1 : 41) {
      const bad = good.slice();
      bad[at]! ^= 1;
      const error = await refused(check(files, bad));
      expect([3, 10, 11], `byte ${at}: ${error.message}`).toContain(error.exit);
      // Another origin is another log, for which no key is known.
      if (error.exit === 11) expect(error.field).toBe('no-trusted-key');
      answers.set(`${error.code} ${error.field ?? ''}`, at);
    }
    expect([...answers.keys()].sort()).toEqual(
      expect.arrayContaining(['Malformed extra', 'NoTrustedKey no-trusted-key', 'VerificationFailed leaf-mismatch']),
    );
    for (const cut of [0, 10, good.length >> 1, good.length - 1]) {
      expect((await refused(check(files, good.slice(0, cut)))).exit, `cut at ${cut}`).toBe(3);
    }
  });

  it('wants both signatures, its record and keys that are trusted here', async () => {
    const files = copyOf(257);
    const { proof } = await prove(files, 9);
    const lines = proof.split('\n');
    const signature = lines.findIndex((line) => line.startsWith('\u2014'));
    for (const drop of [signature, signature + 1]) {
      const stripped = lines.filter((_, at) => at !== drop).join('\n');
      expect(await refused(check(files, stripped))).toMatchObject({
        code: 'VerificationFailed',
        field: 'checkpoint-signature-missing',
      });
    }
    const bare = lines.filter((line) => !line.startsWith('extra ')).join('\n');
    expect(await refused(check(files, bare))).toMatchObject({ code: 'Malformed', field: 'extra' });
    const moved = proof.replace('index 9\n', 'index 8\n');
    expect(await refused(check(files, moved))).toMatchObject({ code: 'VerificationFailed', field: 'leaf-mismatch' });
    const stranger = copyOf(257);
    stranger.drop(`${HOME}/audit`);
    expect(await refused(check(stranger, proof))).toMatchObject({ code: 'NoTrustedKey', field: 'no-trusted-key' });
    expect(await refused(check(files, 'no proof\n'))).toMatchObject({ code: 'Malformed' });
  });

  it('judges a consistency proof against the given or the remembered checkpoint', async () => {
    const files = copyOf(65_537);
    const small = await noteOf(copyOf(256));
    const { proof } = await proveFrom(files, { kind: 'note', note: utf8(small), name: 'old' });
    const checked = await check(files, proof, small);
    expectData('audit/check-proof', checked);
    expect(checked).toMatchObject({ kind: 'consistency', old: { size: 256 }, old_from: 'given' });
    const auditor = copyOf(3);
    await importAnchor({ bytes: utf8(small), name: 'small' }, depsOf(auditor));
    expect(await check(auditor, proof)).toMatchObject({ old: { size: 256 }, old_from: 'remembered' });
    expect(await refused(check(copyOf(3), proof))).toMatchObject({ code: 'Inconclusive', field: 'old' });
    expect(await refused(check(files, proof, await noteOf(copyOf(255))))).toMatchObject({ code: 'Inconclusive' });
    const other = await proveFrom(files, { kind: 'size', size: 255 });
    const grafted = proof.replace(/\n[^\n]{44}\n/, `\n${other.proof.split('\n')[1]}\n`);
    expect(grafted).not.toBe(proof);
    expect(await refused(check(files, grafted, small))).toMatchObject({
      code: 'VerificationFailed',
      field: 'consistency',
    });
    expect(await refused(check(files, (await proveFrom(files, { kind: 'size', size: 0 })).proof))).toMatchObject({
      code: 'Inconclusive',
      field: 'old',
    });
    expect(await refused(proveFrom(files, { kind: 'size', size: 99_999 }))).toMatchObject({ code: 'NotFound' });
  });
});

describe('anchor', () => {
  it('moves the memory forward only with a proof: none, from the log, from a file', async () => {
    const notes = new Map<number, Uint8Array>();
    for (const size of [255, 256, 65_537]) notes.set(size, utf8(await noteOf(copyOf(size))));
    const take = (files: LogCopy, bytes: Uint8Array) => importAnchor({ bytes, name: 'anchor' }, depsOf(files));
    // An auditor without the log: the keys of log.json alone.
    const auditor = copyOf(3);
    for (const path of ['segments', 'tile']) auditor.drop(`${EPOCH}/${path}`);
    const first = await take(auditor, notes.get(256)!);
    expectData('audit/anchor', first);
    expect(first).toMatchObject({ outcome: 'first', before: null, checkpoint: { size: 256 } });
    expect(await take(auditor, notes.get(256)!)).toMatchObject({ outcome: 'same' });
    const unproven = await refused(take(auditor, notes.get(65_537)!));
    expect(unproven).toMatchObject({ code: 'Inconclusive', field: 'consistency-unproven' });
    expect(unproven.hint).toContain('--consistency 256 --size 65537');
    expect(await refused(take(auditor, notes.get(255)!))).toMatchObject({ code: 'Inconclusive', field: 'older-copy' });
    const { proof } = await proveFrom(copyOf(65_537), { kind: 'size', size: 256 });
    expect(await take(auditor, utf8(proof))).toMatchObject({
      outcome: 'moved',
      proven_by: 'file',
      before: { size: 256 },
      checkpoint: { size: 65_537 },
    });
    expect(memoryOf(auditor)).toHaveLength(1);
    // With the log at hand.
    const holder = copyOf(65_537);
    expect(await take(holder, notes.get(256)!)).toMatchObject({ outcome: 'first' });
    expect(await take(holder, notes.get(65_537)!)).toMatchObject({ outcome: 'moved', proven_by: 'log' });
    expect(await take(holder, notes.get(255)!)).toMatchObject({ outcome: 'older', proven_by: 'log' });
    expect(Buffer.from(holder.bytes(memoryOf(holder)[0]!))).toEqual(Buffer.from(notes.get(65_537)!));
  });

  it('refuses a fork with evidence of both notes, other keys, another log, and a stripped note', async () => {
    const forked = (await logsOfSizes([3, 257], 100)).get(257)!;
    const honest = copyOf(257);
    // Another history under the same keys: more checkpoints on the way make other records.
    const one = await noteOf(honest);
    const two = await noteOf(forked);
    expect(one.split('\n')[2]).not.toBe(two.split('\n')[2]);
    await importAnchor({ bytes: utf8(one), name: 'one' }, depsOf(honest));
    const before = memoryOf(honest);
    const error = await refused(importAnchor({ bytes: utf8(two), name: 'two' }, depsOf(honest)));
    expect(error).toMatchObject({ code: 'VerificationFailed', field: 'fork' });
    const evidence = honest.below(homePaths(HOME).trustedLogs).filter((path) => path.endsWith('.evidence.json'));
    expect(error.message).toContain(evidence[0]!);
    const kept = JSON.parse(Buffer.from(honest.bytes(evidence[0]!)).toString()) as {
      kind: string;
      objects: { checkpoint_b64: string }[];
    };
    expect(kept.kind).toBe('fork');
    expect(kept.objects.map((it) => Buffer.from(it.checkpoint_b64, 'base64').toString()).sort()).toEqual(
      [one, two].sort(),
    );
    expect(memoryOf(honest)).toEqual(before);
    // A proof from the other branch is a fork as well.
    const { proof } = await prove(forked, 9);
    expect(await refused(check(honest, proof))).toMatchObject({ code: 'VerificationFailed', field: 'fork' });
    const stripped = one.split('\n').filter((_, at) => at !== 5);
    expect(
      await refused(importAnchor({ bytes: utf8(stripped.join('\n')), name: 'one' }, depsOf(honest))),
    ).toMatchObject({ code: 'VerificationFailed', field: 'checkpoint-signature-missing' });
    const other = one.replace('0123456789abcdef0123', '0000000000000000ffff');
    expect(await refused(importAnchor({ bytes: utf8(other), name: 'other' }, depsOf(honest)))).toMatchObject({
      code: 'NoTrustedKey',
    });
    expect(await refused(importAnchor({ bytes: utf8('x\n1\ny\n'), name: 'odd' }, depsOf(honest)))).toMatchObject({
      code: 'Malformed',
      field: 'checkpoint-origin',
    });
  });
});
