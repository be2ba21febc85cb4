import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckpointBody, type LogVerifier, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { leafHash } from '../../src/audit/leaf.ts';
import { checkWitnessNote, judgeWitnessRequest, type WitnessJudgement } from '../../src/audit/witness.ts';
import {
  formatSignatureLines,
  formatWitnessRequest,
  parseSignatureLines,
  parseWitnessRequest,
  type WitnessRequest,
} from '../../src/audit/witness-request.ts';
import { concat } from '../../src/bytes/framing.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { formatNote, parseNote } from '../../src/envelope/note.ts';
import { RonError } from '../../src/errors.ts';
import { LOG_ORIGIN, numberedLog } from '../support/witness.ts';

const log = numberedLog;
const ORIGIN = LOG_ORIGIN;

describe('a witness request', () => {
  it('survives writing and reading', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
        (oldSize, proof) => {
          const request = { oldSize, proof, note: utf8('a note\n') };
          expect(parseWitnessRequest(formatWitnessRequest(request), 'request')).toEqual(request);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('refuses every other form', () => {
    const hash = `${Buffer.alloc(32).toString('base64')}\n`;
    const refused: readonly (readonly [string | Uint8Array, RegExp])[] = [
      ['', /no empty line/],
      ['old 1\nnote', /no empty line/],
      ['old 1\n\n', /no checkpoint/],
      ['old 01\n\nnote\n', /first line/],
      ['old -1\n\nnote\n', /first line/],
      ['old 1 \n\nnote\n', /first line/],
      ['OLD 1\n\nnote\n', /first line/],
      ['old 9007199254740992\n\nnote\n', /first line/],
      [`old 1\r\n\nnote\n`, /first line/],
      [`old 1\n${hash.slice(0, -2)}\n\nnote\n`, /proof line/],
      [`old 1\n${hash.replace('A', '-')}\nnote\n`, /proof line/],
      [`old 1\n${hash.replace('A=', 'B=')}\nnote\n`, /proof line/],
      [`old 1\n${hash.repeat(64)}\nnote\n`, /more than 63/],
      [concat(utf8('old 1\n\n'), Uint8Array.of(0xff)), /not UTF-8/],
      [`old 1\n\n${'x'.repeat(256 * 1024)}`, /longer than/],
    ];
    for (const [bytes, reason] of refused) {
      const read = () => parseWitnessRequest(typeof bytes === 'string' ? utf8(bytes) : bytes, 'request');
      expect(read).toThrow(RonError);
      expect(read).toThrow(reason);
    }
  });

  it('has answers that are signature lines and nothing else', () => {
    const signatures = [{ name: 'w.example', keyId: '01234567', signature: Uint8Array.of(1, 2, 3) }];
    const lines = formatSignatureLines(signatures);
    expect(parseSignatureLines(lines, 'answer')).toEqual(signatures);
    for (const text of [
      '',
      'x\n',
      '\u2014 w.example AAAA\n',
      `\n${Buffer.from(lines).toString()}`,
      '\u2014 w.example ASNFZwECAw==',
    ]) {
      expect(() => parseSignatureLines(utf8(text), 'answer'), JSON.stringify(text)).toThrow(RonError);
    }
  });
});

/** Both steps, as the store takes them. */
function judged(request: WitnessRequest, known: CheckpointBody | null, verifier: LogVerifier): WitnessJudgement {
  const checked = checkWitnessNote(request, verifier);
  return checked.ok ? judgeWitnessRequest(request, checked.checkpoint, known) : checked;
}

describe('what a witness says', () => {
  it('cosigns the first checkpoint from size 0 with an empty proof, then only what extends it', async () => {
    const { verifier, note, proof, body } = await log();
    const judge = async (known: number | null, from: number, to: number) =>
      judged(
        { oldSize: from, proof: proof(from, to), note: await note(to) },
        known === null ? null : body(known),
        verifier,
      );
    for (const size of [0, 1, 2, 3, 7, 8, 255, 256, 257]) expect((await judge(null, 0, size)).ok, `${size}`).toBe(true);
    for (const [from, to] of [
      [1, 2],
      [3, 3],
      [3, 7],
      [7, 8],
      [255, 257],
      [256, 256],
    ] as const) {
      expect(await judge(from, from, to)).toMatchObject({ ok: true, checkpoint: { size: to } });
    }
    // A cosigned empty log is like one that was never seen.
    expect(await judge(0, 0, 5)).toMatchObject({ ok: true });
  });

  it('answers each refusal with its own status', async () => {
    const { verifier, note, proof, body, keys } = await log();
    const fork = await log(2);
    const say = async (known: number | null, oldSize: number, hashes: readonly Uint8Array[], bytes: Uint8Array) =>
      judged({ oldSize, proof: hashes, note: bytes }, known === null ? null : body(known), verifier);
    const seven = await note(7);
    const parsed = parseNote(seven, 'note');
    const only = (at: number) => formatNote({ text: parsed.text, signatures: [parsed.signatures[at]!] });
    const broken = formatNote({
      text: parsed.text,
      signatures: [parsed.signatures[0]!, { ...parsed.signatures[1]!, signature: parsed.signatures[0]!.signature }],
    });
    const unknown = formatNote({
      text: parsed.text,
      signatures: parsed.signatures.map((one) => ({ ...one, name: 'other.example' })),
    });
    for (const bytes of [only(0), only(1), broken, unknown])
      expect(await say(null, 0, [], bytes)).toMatchObject({ status: 403 });
    expect(await say(null, 8, [], seven)).toMatchObject({ status: 400 });
    expect(await say(null, 0, [], utf8(`${ORIGIN}\n7\n`))).toMatchObject({ status: 400 });
    const extended = await signCheckpoint({ ...body(7) }, 1_800_000_000, [keys]);
    expect(
      await say(null, 0, [], utf8(Buffer.from(extended).toString().replace('\n\n', '\nextension\n\n'))),
    ).toMatchObject({
      status: 400,
    });
    expect(await say(3, 0, [], seven)).toMatchObject({ status: 409, size: 3 });
    expect(await say(3, 5, proof(5, 7), seven)).toMatchObject({ status: 409, size: 3 });
    expect(await say(null, 3, proof(3, 7), seven)).toMatchObject({ status: 409, size: 0 });
    expect(await say(7, 3, proof(3, 7), seven)).toMatchObject({ status: 409, size: 7 });
    expect(await say(3, 3, [], seven)).toMatchObject({ status: 422 });
    expect(await say(3, 3, proof(3, 7).toReversed(), seven)).toMatchObject({ status: 422 });
    expect(await say(3, 3, [...proof(3, 7), leafHash(utf8('x'))], seven)).toMatchObject({ status: 422 });
    expect(await say(null, 0, proof(3, 7), seven)).toMatchObject({ status: 422 });
    expect(await say(7, 7, proof(3, 7), seven)).toMatchObject({ status: 422 });
    expect(await say(3, 3, fork.proof(3, 7), await fork.note(7))).toMatchObject({ status: 422 });
    expect(await say(7, 7, [], await fork.note(7))).toMatchObject({ status: 422, contradiction: { size: 7 } });
  });

  it('answers 422 for an empty tree with the root of something', async () => {
    const { verifier, keys } = await log();
    const note = await signCheckpoint({ origin: ORIGIN, size: 0, root: leafHash(utf8('x')) }, 1_800_000_000, [keys]);
    expect(judged({ oldSize: 0, proof: [], note }, null, verifier)).toMatchObject({ status: 422 });
  });
});
