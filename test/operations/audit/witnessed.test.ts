// What a witness policy makes of a log: quorum, wrong cosignatures, a cosigned tree that the records do not have.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CheckpointBody, parseBody, signCheckpoint } from '../../../src/audit/checkpoint.ts';
import { cosign } from '../../../src/audit/cosignature.ts';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { formatNote, type NoteSignature, parseNote } from '../../../src/envelope/note.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { ensureHome, homePaths } from '../../../src/storage/home.ts';
import { countingRandom, fillLog, logKeys, newLog, testClock } from '../../support/audit.ts';
import { testCrypto } from '../../support/crypto.ts';
import { expectData } from '../../support/data-schema.ts';
import { witnessIdentityOf } from '../../support/witness.ts';

const NOW_MS = Date.parse('2026-11-20T10:00:00.000Z');
const NOW_S = NOW_MS / 1000;

/** A log of 9 records and two witnesses, of whom both are wanted. */
async function setting() {
  const home = mkdtempSync(join(tmpdir(), 'ronctl-test-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  await ensureHome({ files: nodeHost().files, random: countingRandom(), clock: testClock() }, homePaths(home));
  const log = await newLog(join(home, 'audit'));
  await fillLog(log, 9, 3);
  log.close();
  const [a, b] = [await witnessIdentityOf('a.example'), await witnessIdentityOf('b.example')];
  const policy = `witness a ${a.vkeys[0]}\nwitness b ${b.vkeys[1]}\ngroup both all a b\nquorum both\n`;
  const note = readFileSync(join(home, 'audit/e0/checkpoint'));
  const body = parseBody(parseNote(note, 'note').text)!;
  const keys = await logKeys();
  /** Writes `cosigned` with the log's own signatures for any tree. */
  const put = async (tree: CheckpointBody, lines: readonly NoteSignature[]): Promise<void> => {
    const { text, signatures } = parseNote(await signCheckpoint(tree, NOW_S - 60, [keys]), 'note');
    writeFileSync(join(home, 'audit/e0/cosigned'), formatNote({ text, signatures: [...signatures, ...lines] }), {
      mode: 0o600,
    });
  };
  const by = async (tree: CheckpointBody, at = NOW_S): Promise<readonly NoteSignature[]> => [
    ...(await cosign(tree, at, a.keys)),
    ...(await cosign(tree, at, b.keys)),
  ];
  const verify = async (
    change: { readonly policy?: string; readonly fast?: boolean } = {},
  ): Promise<AuditVerifyResult> => {
    const source = { name: 'the.policy', bytes: utf8(change.policy ?? policy) };
    const host = { ...nodeHost(), clock: { ...testClock(), now: () => NOW_MS } };
    const deps = { host, home, crypto: async () => testCrypto(), onProgress: () => undefined };
    const request = { target: null, fast: change.fast ?? false, headKeys: null, policy: source };
    const result = await auditVerify(request, deps);
    expectData('audit/verify', result);
    return result;
  };
  return { home, body, put, by, verify, policy };
}

const codes = (result: AuditVerifyResult): string[] => result.findings.map((one) => one.code);

describe('audit verify with a policy', () => {
  it('is consistent with a quorum, at the newest size or an older one', async () => {
    const { body, put, by, verify } = await setting();
    expect(await verify()).toMatchObject({ verdict: 'inconclusive' });
    await put(body, await by(body));
    for (const fast of [false, true]) {
      expect(await verify({ fast })).toMatchObject({
        verdict: 'consistent',
        witnessed: { policy: 'the.policy', checkpoint: { size: 9 }, quorum: { met: true, missing: [], bad: [] } },
      });
    }
  });

  it('finds a cosigned tree that the records do not have, and one beyond them', async () => {
    const { body, put, by, verify } = await setting();
    const other = { ...body, root: sha256(utf8('another root')) };
    await put(other, await by(other));
    const forked = await verify();
    expect([forked.verdict, codes(forked)]).toEqual(['tampered', ['fork']]);
    expect(forked.findings[0]!.message).toBe('witnesses cosigned another root for size 9');
    const longer = { ...body, size: 12 };
    await put(longer, await by(longer));
    const cut = await verify();
    expect([cut.verdict, codes(cut), cut.findings[0]!.index]).toEqual(['tampered', ['truncated'], 9]);
    expect((await verify({ policy: 'quorum none\n' })).verdict).toBe('tampered');
  });

  it('does not count late or timeless cosignatures, and tells the wrong one by name', async () => {
    const { body, put, by, verify } = await setting();
    await put(body, await by(body, NOW_S + 301));
    expect(codes(await verify())).toEqual(['witness-quorum']);
    await put(body, await by(body, NOW_S + 299));
    expect((await verify()).verdict).toBe('consistent');
    const lines = await by(body);
    await put(body, [...lines.slice(0, 3), { ...lines[3]!, signature: lines[3]!.signature.toReversed() }]);
    const wrong = await verify();
    expect([wrong.verdict, codes(wrong)]).toEqual(['tampered', ['cosignature']]);
    expect(wrong.findings[0]).toMatchObject({
      file: 'cosigned',
      message: expect.stringContaining('of b does not verify'),
    });
    // The line of a key that the policy does not name may be anything.
    await put(body, [lines[0]!, { ...lines[1]!, signature: lines[1]!.signature.toReversed() }, ...lines.slice(2)]);
    expect((await verify()).verdict).toBe('consistent');
  });

  it('refuses every byte of `cosigned` that differs', async () => {
    const { home, body, put, by, verify } = await setting();
    await put(body, await by(body));
    const path = join(home, 'audit/e0/cosigned');
    const good = readFileSync(path);
    const lines = good.toString('utf8').split('\n');
    // The lines of keys that the policy does not name are nobody's business.
    const foreign = [lines[7], lines[8]].map((line) => good.indexOf(line!));
    const ignored = (at: number): boolean =>
      foreign.some((from, n) => at >= from && at < from + Buffer.byteLength(lines[7 + n]!));
    for (let at = 0; at < good.length; at += at < 260 ? 3 : 97) {
      if (ignored(at)) continue;
      const mangled = Buffer.from(good);
      mangled[at]! ^= 1;
      writeFileSync(path, mangled);
      expect((await verify({ fast: true })).verdict, `byte ${at}`).not.toBe('consistent');
    }
  });
});
