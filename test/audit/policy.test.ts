import { describe, expect, it } from 'vitest';
import { formatBody } from '../../src/audit/checkpoint.ts';
import { cosign } from '../../src/audit/cosignature.ts';
import { meetsQuorum, readPolicy, type WitnessPolicy } from '../../src/audit/policy.ts';
import { createPolicyJudge } from '../../src/audit/policy-judge.ts';
import { lintPolicy, requirePolicy } from '../../src/audit/policy-lint.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { formatVkey, NOTE_TYPES, parseVkey } from '../../src/envelope/note.ts';
import { RonError } from '../../src/errors.ts';
import { logKeys } from '../support/audit.ts';
import { testCrypto } from '../support/crypto.ts';
import { describeVectors, vectorBytes, vectorJson } from '../vectors/third-party.ts';

interface Vectors {
  readonly valid: readonly {
    readonly config: string;
    readonly logs: number;
    readonly witnesses: number;
    readonly quorum_truth: readonly { readonly cosigned_by: readonly string[]; readonly ok: boolean }[];
  }[];
  readonly invalid: readonly { readonly desc: string; readonly error: string; readonly config: string }[];
}

/** Sigsum policies have raw keys in hex where C2SP has vkeys. The name of the key is the key, so that no two share one. */
const toVkeys = (config: string): string =>
  config.replaceAll(/^([ \t]*)(log|witness [^ \t]+)([ \t]+)([0-9a-f]{64})/gm, (_, space, head, gap, hex) => {
    const type = head === 'log' ? NOTE_TYPES.ed25519 : NOTE_TYPES.ed25519Cosignature;
    return `${space}${head}${gap}${formatVkey(`${head === 'log' ? 'log' : 'w'}-${hex}`, type, Buffer.from(hex, 'hex'))}`;
  });

const problemsOf = (text: string): string[] =>
  readPolicy(utf8(text)).problems.map(({ line, message }) => `${line}: ${message}`);

function policyOf(text: string): WitnessPolicy {
  const { policy, problems } = readPolicy(utf8(text));
  expect(problems).toEqual([]);
  return policy!;
}

describeVectors('tlog policies', () => {
  const vectors = (): Vectors => vectorJson('tlog/policy-vectors.json') as Vectors;

  it('reads the published policies; their quorum tables hold', () => {
    let rows = 0;
    for (const one of vectors().valid) {
      const policy = policyOf(toVkeys(one.config));
      expect([policy.logs.length, policy.witnesses.length]).toEqual([one.logs, one.witnesses]);
      for (const { cosigned_by, ok } of one.quorum_truth) {
        expect(meetsQuorum(policy, new Set(cosigned_by)), cosigned_by.join(' ')).toBe(ok);
        rows++;
      }
    }
    expect([vectors().valid.length, rows]).toEqual([2, 23]);
  });

  it('lints what the first of them calls undesirable: keys that are both log and witness', () => {
    const problems = lintPolicy(policyOf(toVkeys(vectors().valid[0]!.config)));
    expect(problems.map(({ message }) => message.replace(/ in line.*/, ''))).toEqual([
      'W1 is the key of the log',
      'W2 is the key of the log',
      'W6 is the key of the log',
    ]);
    expect(lintPolicy(policyOf(toVkeys(vectors().valid[1]!.config)))).toEqual([]);
  });

  it('refuses the published broken ones for the published reason', () => {
    const reasons: Readonly<Record<string, RegExp>> = {
      'no quorum': /no quorum line/,
      'control character 0x0c': /control character 0x0c/,
      'control character 0x7f': /control character 0x7f/,
      'duplicate log: aaa': /duplicate log/,
      'invalid log policy line': /a log line is/,
      'duplicate witness: ccc': /duplicate witness/,
      'duplicate name: "W1"': /duplicate name W1/,
      'duplicate name: "none"': /duplicate name none/,
      'undefined name: "W3"': /undefined name W3/,
      'already a member': /already a member of/,
      'cannot be a group member': /cannot be a group member/,
    };
    const { invalid } = vectors();
    for (const { desc, error, config } of invalid) {
      const found = problemsOf(toVkeys(config));
      expect(
        found.some((one) => reasons[error]!.test(one)),
        `${desc}: ${found.join('; ')}`,
      ).toBe(true);
    }
    expect(invalid.length).toBe(13);
  });

  it('reads the policies that Sigsum publishes', () => {
    const names = ['sigsum-generic-2025-1', 'sigsum-test-2025-3', 'sigsum-test1-2025', 'sigsum-test2-2025'];
    const counts = names.map((name) => {
      const text = Buffer.from(vectorBytes(`tlog/sigsum-policies/${name}.builtin-policy`)).toString('latin1');
      const { policy, problems } = readPolicy(Buffer.from(toVkeys(text), 'latin1'));
      expect(problems).toEqual([]);
      expect(lintPolicy(policy!)).toEqual([]);
      createPolicyJudge(policy!, testCrypto());
      return [policy!.logs.length, policy!.witnesses.length, policy!.groups.length];
    });
    expect(counts).toEqual([
      [2, 3, 1],
      [2, 8, 2],
      [1, 3, 1],
      [1, 7, 2],
    ]);
  });
});

const BODY = { origin: 'ronctl.invalid/log/e0', size: 7, root: sha256(utf8('root')) };
const NOW_MS = 1_800_000_000_000;

/** Two vkeys of one party, and how it cosigns. */
async function party(name: string) {
  const keys = { name, ...(await logKeys(`witness ${name}`)) };
  const ed = formatVkey(name, NOTE_TYPES.ed25519Cosignature, keys.ed25519.publicKey);
  const pq = formatVkey(name, NOTE_TYPES.mlDsa44Cosignature, keys.mlDsa44.publicKey);
  return { name, ed, pq, keys, sign: (at = NOW_MS / 1000) => cosign(BODY, at, keys) };
}

describe('what a policy must not say', () => {
  it('counts a party with two algorithms once, and demands a group of its own for it', async () => {
    const [x, y] = [await party('x.example'), await party('y.example')];
    const lines = `witness x-ed ${x.ed}\nwitness x-pq ${x.pq}\nwitness y-ed ${y.ed}\n`;
    const lint = (rest: string) => lintPolicy(policyOf(lines + rest)).map((one) => one.line);
    expect(lint('group two 2 x-ed x-pq y-ed\nquorum two\n')).toEqual([2]);
    expect(lint('group two 2 x-ed x-pq\nquorum two\n')).toEqual([2]);
    expect(lint('group mixed any x-ed x-pq y-ed\nquorum mixed\n')).toEqual([2]);
    expect(lint('group b all x-pq y-ed\nquorum b\n')).toEqual([2]);
    expect(lint('group x any x-ed x-pq\ngroup two 2 x y-ed\nquorum two\n')).toEqual([]);
    expect(lint('group x all x-ed x-pq\ngroup two 2 x y-ed\nquorum two\n')).toEqual([]);
  });

  it('refuses log, service and signer keys among the witnesses, and a witness named like a log', async () => {
    const [x, y] = [await party('x.example'), await party('y.example')];
    const log = await logKeys('log');
    const asLog = formatVkey('log.example', NOTE_TYPES.ed25519, log.ed25519.publicKey);
    const asWitness = formatVkey('w.example', NOTE_TYPES.ed25519Cosignature, log.ed25519.publicKey);
    const named = formatVkey('log.example', NOTE_TYPES.ed25519Cosignature, x.keys.ed25519.publicKey);
    const text = `log ${asLog}\nwitness a ${asWitness}\nwitness b ${named}\nwitness c ${y.ed}\nquorum c\n`;
    const known = [{ whose: 'a service key', publicKey: y.keys.ed25519.publicKey }];
    expect(lintPolicy(policyOf(text), known)).toEqual([
      { line: 2, message: 'a is the key of the log in line 1' },
      { line: 3, message: 'b has the name of a log, log.example' },
      { line: 4, message: 'c is the key of a service key' },
    ]);
    const thrown = (() => {
      try {
        requirePolicy(utf8(text), 'witnesses.policy', known);
        return null;
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(RonError);
    expect(thrown).toMatchObject({ code: 'Malformed', exit: 3, field: '--policy' });
    expect((thrown as RonError).message).toContain(
      'witnesses.policy: line 2: a is the key of the log in line 1; line 3:',
    );
  });

  it('refuses a key whose id does not follow, keys of the wrong type, thresholds out of range, and what comes twice', async () => {
    const [x, y] = [await party('x.example'), await party('y.example')];
    const wrongId = x.ed.replace(parseVkey(x.ed).keyId, '00000000');
    const refused = (text: string) => problemsOf(text);
    expect(refused(`witness x ${wrongId}\nquorum x\n`)).toEqual([
      '1: vkey: the key id does not follow from name and key',
    ]);
    expect(refused(`log ${x.ed}\nquorum none\n`)).toEqual(['1: a key of type 04; 01 or 06 is expected here']);
    const asLog = formatVkey('x', NOTE_TYPES.ed25519, x.keys.ed25519.publicKey);
    expect(refused(`witness x ${asLog}\nquorum x\n`)).toEqual(['1: a key of type 01; 04 or 06 is expected here']);
    const two = `witness x ${x.ed}\nwitness y ${y.ed}\n`;
    for (const rule of ['0', '3', '01', '+1', '-1', 'ALL', '1.0']) {
      expect(refused(`${two}group g ${rule} x y\nquorum g\n`)).toEqual([
        '3: the threshold is all, any or a number from 1 to 2',
      ]);
    }
    expect(refused(`${two}quorum x\nquorum y\n`)).toEqual(['4: a second quorum line; the first is line 3']);
    expect(refused(`quorum x\n${two}`)).toEqual(['1: the quorum names x, which no earlier line defines']);
    expect(refused(`witness x ${x.ed}\nwitness x2 ${x.ed}\nquorum none\n`)).toEqual([
      '2: duplicate witness: the same public key as in line 1',
    ]);
    const renamed = formatVkey('other', NOTE_TYPES.ed25519Cosignature, x.keys.ed25519.publicKey);
    expect(refused(`witness x ${x.ed}\nwitness o ${renamed}\nquorum none\n`)).toEqual([
      '2: duplicate witness: the same public key as in line 1',
    ]);
    expect(refused('witnes x y\nquorum none\r\n')).toEqual([
      '1: unknown keyword "witnes"',
      '2: the control character 0x0d; only tab and line feed are allowed',
      '0: no quorum line; write `quorum none` when no cosignature is wanted',
    ]);
  });

  it('takes up to 64 logs, witnesses and groups', async () => {
    const key = (label: string, at: number, type: number) =>
      formatVkey(`${label}${at}.example`, type, sha256(utf8(`${label} ${at}`)));
    const lines = (count: number): string =>
      Array.from({ length: count }, (_, at) => [
        `log ${key('log', at, 1)}`,
        `witness w${at} ${key('w', at, 4)} https://w${at}.example/`,
        `group g${at} any w${at}`,
      ])
        .flat()
        .join('\n');
    const policy = policyOf(`${lines(64)}\nquorum g63\n`);
    expect([policy.logs.length, policy.witnesses.length, policy.groups.length]).toEqual([64, 64, 64]);
    expect(policy.witnesses[9]!.url).toBe('https://w9.example/');
    expect(problemsOf(`${lines(65)}\nquorum g63\n`)).toEqual([
      '193: more than 64 logs',
      '194: more than 64 witnesses',
      '195: more than 64 groups',
    ]);
  });

  it('takes names as octets: K and the Kelvin sign are two names', async () => {
    const [x, y] = [await party('x.example'), await party('y.example')];
    const policy = policyOf(
      `\twitness  K\t${x.ed} \nwitness \u212a ${y.ed}\n # comment\n\ngroup all all K \u212a\nquorum all`,
    );
    expect(policy.groups[0]!.members).toEqual(['K', '\u00e2\u0084\u00aa']);
  });
});

describe('judging a note', () => {
  it('ignores unknown keys, counts good lines once, and names missing and bad ones', async () => {
    const parties = await Promise.all(['x.example', 'y.example', 'z.example'].map(party));
    const [x, y, z] = parties as [(typeof parties)[0], (typeof parties)[0], (typeof parties)[0]];
    const text = `witness x ${x.ed}\nwitness y ${y.pq}\nwitness z ${z.ed}\ngroup two 2 x y z\nquorum two\n`;
    const judge = createPolicyJudge(policyOf(text), testCrypto());
    const note = (...signatures: Awaited<ReturnType<typeof cosign>>[number][]) =>
      judge.judge({ text: formatBody(BODY), signatures }, NOW_MS);
    const [xs, ys, zs] = await Promise.all([x.sign(), y.sign(), z.sign()]);
    expect(note()).toEqual({ met: false, cosigned: [], missing: ['x', 'y', 'z'], bad: [] });
    expect(note(...xs).met).toBe(false);
    expect(note(...xs, ...xs, ...xs)).toMatchObject({ met: false, missing: ['y', 'z'] });
    expect(note(...xs, ...ys)).toMatchObject({ met: true, missing: ['z'], bad: [] });
    expect(note(ys[0]!).cosigned).toEqual([]);
    // Two are enough, but a wrong line of a known witness refuses the note.
    const forged = { ...zs[0]!, signature: xs[0]!.signature };
    expect(note(...xs, ...ys, forged)).toMatchObject({ met: false, bad: ['z'] });
    // Nobody signed anything at time 0 or in the future.
    expect(note(...xs, ...(await z.sign(NOW_MS / 1000 + 301)))).toMatchObject({
      met: false,
      missing: ['y', 'z'],
      bad: [],
    });
    expect(note(...xs, ...(await z.sign(NOW_MS / 1000 + 299))).met).toBe(true);
  });

  it('with `quorum none` needs nobody, and still refuses a forged line', async () => {
    const x = await party('x.example');
    const judge = createPolicyJudge(policyOf(`witness x ${x.ed}\nquorum none\n`), testCrypto());
    const [line] = await x.sign();
    expect(judge.judge({ text: formatBody(BODY), signatures: [] }, NOW_MS).met).toBe(true);
    const forged = { ...line!, signature: line!.signature.toReversed() };
    expect(judge.judge({ text: formatBody(BODY), signatures: [forged] }, NOW_MS)).toMatchObject({
      met: false,
      bad: ['x'],
    });
  });
});
