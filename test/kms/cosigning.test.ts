// The log side against witnesses that are honest, slow, wrong, ahead or gone; a real log on files, witnesses in this process.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPolicy } from '../../src/audit/policy.ts';
import { createPolicyJudge } from '../../src/audit/policy-judge.ts';
import type { AskWitness, WitnessAnswer } from '../../src/audit/witness-request.ts';
import { formatSignatureLines, parseSignatureLines, parseWitnessRequest } from '../../src/audit/witness-request.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { parseNote } from '../../src/envelope/note.ts';
import { RonError } from '../../src/errors.ts';
import { collectCosignatures } from '../../src/kms/service/cosigning.ts';
import { CosigningLoop } from '../../src/kms/service/cosigning-loop.ts';
import { SILENT } from '../../src/kms/telemetry.ts';
import { newestReadableNote } from '../../src/storage/audit-notes.ts';
import { epochPaths } from '../../src/storage/audit-paths.ts';
import { readCosigned, readWaiting } from '../../src/storage/cosigned.ts';
import { homePaths } from '../../src/storage/home.ts';
import { countingRandom, fillLog, newLog, reopenLog, testClock } from '../support/audit.ts';
import { testCrypto } from '../support/crypto.ts';
import { numberedLog, witnessIdentityOf, witnessStore } from '../support/witness.ts';

const NOW = testClock(3_600_000).now();
const { signal } = new AbortController();
const A = 'http://127.0.0.1:1/a';
const B = 'http://127.0.0.1:1/b';

/** A log of 5 records with a policy of two witnesses, both wanted. */
async function setting(size = 5) {
  const base = mkdtempSync(join(tmpdir(), 'ronctl-test-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const auditDir = join(base, 'audit');
  const log = await newLog(auditDir);
  await fillLog(log, size);
  const { verifier } = await numberedLog();
  const files = nodeFiles();
  const witness = async (name: string) => {
    const identity = await witnessIdentityOf(name);
    const { store } = await witnessStore(files, mkdtempSync(join(base, 'w-')), { clock: { now: () => NOW } }, identity);
    return { identity, ask: async (body: Uint8Array): Promise<WitnessAnswer> => answerOf(await store.answer(body)) };
  };
  const [a, b] = [await witness('a.example'), await witness('b.example')];
  const text = `witness a ${a.identity.vkeys[0]} ${A}\nwitness b ${b.identity.vkeys[1]} ${B}\ngroup both all a b\nquorum both\n`;
  const judge = createPolicyJudge(readPolicy(utf8(text)).policy!, testCrypto());
  const paths = epochPaths(auditDir, 0);
  const deps = { files, random: countingRandom('log side'), crypto: testCrypto(), clock: { now: () => NOW } };
  const of = { paths, verifier, judge };
  const requests: string[] = [];
  const collect = (asks: Readonly<Record<string, (body: Uint8Array) => Promise<WitnessAnswer>>>, write = true) => {
    const ask: AskWitness = (url, body) => {
      requests.push(`${url.slice(-1)} old ${parseWitnessRequest(body, 'request').oldSize}`);
      return asks[url]!(body);
    };
    return collectCosignatures(deps, of, newestReadableNote(files, paths, verifier)!, ask, { signal, write });
  };
  const grow = async (to: number): Promise<void> => fillLog(await reopenLog(auditDir), to);
  return { base, log, paths, verifier, files, judge, a, b, collect, grow, requests };
}

function answerOf(
  reply: Awaited<ReturnType<Awaited<ReturnType<typeof witnessStore>>['store']['answer']>>,
): WitnessAnswer {
  if (reply.status === 200) return { status: 200, type: 'text/plain', body: reply.lines };
  if (reply.size !== undefined) return { status: 409, type: 'text/x.tlog.size', body: utf8(`${reply.size}\n`) };
  return { status: reply.status, type: 'text/plain', body: utf8(reply.message) };
}

const gone = async (): Promise<WitnessAnswer> => {
  throw new RonError('Unreachable', 'nobody is there');
};

describe('collecting cosignatures', () => {
  it('waits for the rest over several calls, and asks each witness from the size it knows', async () => {
    const { collect, a, b, files, paths, verifier, grow, log, requests } = await setting();
    const first = await collect({ [A]: a.ask, [B]: gone });
    expect(first.outcomes.map((one) => [one.ok, one.status])).toEqual([
      [true, 200],
      [false, null],
    ]);
    expect(first.merged).toMatchObject({ added: 1, newest: false, verdict: { met: false, missing: ['b'] } });
    expect([readCosigned(files, paths, verifier), readWaiting(files, paths, verifier).length]).toEqual([null, 1]);
    const second = await collect({ [A]: gone, [B]: b.ask });
    expect(second.merged).toMatchObject({ added: 1, newest: true, verdict: { met: true } });
    expect([readCosigned(files, paths, verifier)!.size, readWaiting(files, paths, verifier)]).toEqual([5, []]);
    log.close();
    await grow(300);
    requests.length = 0;
    const third = await collect({ [A]: a.ask, [B]: b.ask });
    expect(third.merged).toMatchObject({ newest: true, verdict: { met: true } });
    expect(requests).toEqual(['a old 5', 'b old 5']);
    expect(readCosigned(files, paths, verifier)!.size).toBe(300);
  });

  it('learns the size of a witness that knows another one, and raises the alarm at one beyond the log', async () => {
    const { collect, a, b, files, paths, log, grow, requests } = await setting();
    await collect({ [A]: a.ask, [B]: b.ask });
    files.remove(paths.cosigned);
    log.close();
    await grow(9);
    requests.length = 0;
    const learned = await collect({ [A]: a.ask, [B]: b.ask });
    expect(requests.toSorted()).toEqual(['a old 0', 'a old 5', 'b old 0', 'b old 5']);
    expect(learned.merged.verdict.met).toBe(true);
    const ahead = async (): Promise<WitnessAnswer> => ({ status: 409, type: 'text/x.tlog.size', body: utf8('10\n') });
    const { outcomes } = await collect({ [A]: ahead, [B]: gone });
    expect(outcomes[0]).toMatchObject({ ok: false, status: 409, message: expect.stringContaining('rolled back') });
  });

  it('believes no answer: foreign keys, wrong signatures, sizes in circles, junk', async () => {
    const { collect, a, b, files, paths } = await setting();
    const mangled = async (body: Uint8Array): Promise<WitnessAnswer> => {
      const answer = await b.ask(body);
      const lines = parseSignatureLines(answer.body, 'answer').map((one) => ({
        ...one,
        signature: one.signature.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
      }));
      return { ...answer, body: formatSignatureLines(lines) };
    };
    let turn = 0;
    const circles = async (): Promise<WitnessAnswer> => ({
      status: 409,
      type: 'text/x.tlog.size',
      body: utf8(`${[2, 3, 2, 3][turn++ % 4]}\n`),
    });
    const say = (status: number, type: string, text: string) => async () => ({ status, type, body: utf8(text) });
    for (const [ask, message] of [
      [a.ask, 'it answers with other keys than the policy names'],
      [mangled, 'its cosignature does not verify'],
      [circles, 'it says that it knows size 2'],
      [say(200, 'text/plain', 'hello'), /not signature lines/],
      [say(409, 'text/plain', '3\n'), '3'],
      [say(409, 'text/x.tlog.size', '03\n'), '03'],
      [say(500, 'text/html', `<b>\u0007${'x'.repeat(500)}`), /^<b> x{195,}$/],
      [say(302, 'text/plain', ''), 'status 302'],
    ] as const) {
      const { outcomes, merged } = await collect({ [A]: gone, [B]: ask }, false);
      expect(outcomes[1]!.ok).toBe(false);
      expect(outcomes[1]!.message).toMatch(message);
      expect(merged.verdict.cosigned).toEqual([]);
    }
    expect(files.info(paths.cosigned)).toBeNull();
    expect(files.info(paths.cosignatures)).toBeNull();
  });

  it('sends the log\u2019s own lines alone, and keeps lines of witnesses of the policy alone', async () => {
    const { collect, a, b, paths } = await setting();
    const seen: string[][] = [];
    const both = async (body: Uint8Array): Promise<WitnessAnswer> => {
      seen.push(parseNote(parseWitnessRequest(body, 'request').note, 'note').signatures.map((one) => one.name));
      return a.ask(body);
    };
    await collect({ [A]: both, [B]: b.ask });
    await collect({ [A]: both, [B]: gone });
    expect(new Set(seen.map((names) => names.length))).toEqual(new Set([2]));
    const names = parseNote(readFileSync(paths.cosigned), 'note').signatures.map((one) => one.name);
    // Each witness answers with both of its keys; the policy names one of each.
    expect(names.slice(2)).toEqual(['a.example', 'b.example']);
  });

  it('goes on when what it collected is damaged, and says so when `cosigned` is', async () => {
    const { collect, a, b, paths } = await setting();
    await collect({ [A]: a.ask, [B]: gone });
    writeFileSync(paths.cosignatures, 'junk\n{"note_b64":"AA==","size":5}\nhalf');
    const { merged } = await collect({ [A]: a.ask, [B]: b.ask });
    expect(merged.verdict.met).toBe(true);
    writeFileSync(paths.cosigned, 'junk');
    await expect(collect({ [A]: a.ask, [B]: b.ask })).rejects.toMatchObject({ code: 'Tampered' });
  });
});

describe('the loop of a server', () => {
  it('asks once for a size, again after a failure with growing delays, and outlives errors of its own', async () => {
    const { base, judge, a, b, files, paths, log, grow } = await setting();
    log.close();
    let nowMs = 0;
    const clock = { ...testClock(3_600_000), monotonicMs: () => nowMs, now: () => NOW };
    const asked: string[] = [];
    let failing = true;
    const ask: AskWitness = (url, body) => {
      asked.push(url.slice(-1));
      return failing ? gone() : url === A ? a.ask(body) : b.ask(body);
    };
    const deps = { files, random: countingRandom('loop'), clock, crypto: testCrypto(), telemetry: SILENT, judge, ask };
    const loop = new CosigningLoop({ ...deps, paths: homePaths(base) });
    const waits: number[] = [];
    for (let failures = 0; failures < 9; failures++) {
      const from = nowMs;
      let result = await loop.once(signal);
      while (result === null && nowMs - from <= 60_000) {
        nowMs += 250;
        result = await loop.once(signal);
      }
      expect(result?.outcomes.every((one) => !one.ok)).toBe(true);
      if (failures > 0) waits.push(nowMs - from);
    }
    expect(waits.every((wait) => wait >= 500 && wait <= 60_250)).toBe(true);
    expect(waits.at(-1)!).toBeGreaterThan(waits[0]!);
    failing = false;
    nowMs += 120_000;
    expect((await loop.once(signal))!.merged.newest).toBe(true);
    const before = asked.length;
    nowMs += 120_000;
    expect([await loop.once(signal), asked.length]).toEqual([null, before]);
    await grow(9);
    nowMs += 3000;
    expect((await loop.once(signal))!.merged.checkpoint.size).toBe(9);
    writeFileSync(paths.cosigned, 'junk');
    nowMs += 120_000;
    await grow(12);
    const end = new AbortController();
    let sleeps = 0;
    const sleep = async (): Promise<void> => {
      if (++sleeps > 3) end.abort();
    };
    const stubborn = new CosigningLoop({ ...deps, clock: { ...clock, sleep }, paths: homePaths(base) });
    await stubborn.run(end.signal);
    expect(sleeps).toBe(4);
  });
});
