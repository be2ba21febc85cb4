// Records and chains as the ron-audit crate made and judged them, from the generated set beside the vectors; and mangled ones.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  canonicalRonAudit,
  exceededBounds,
  formatRonAudit,
  hashRonAudit,
  KINDS,
  matchingRule,
  parseRonAudit,
} from '../../src/audit/ron-audit.ts';
import { RonAuditChain, type RonAuditVerdict } from '../../src/audit/ron-audit-chain.ts';
import { refusal } from '../support/refusal.ts';
import { interopFile } from './third-party.ts';

interface Case {
  readonly name?: string;
  readonly record_json?: string;
  readonly canonical_utf8?: string;
  readonly self_hash?: string;
  readonly error?: string;
  readonly kind?: string;
  readonly parse?: string;
  readonly ok?: boolean;
  readonly err?: string;
  readonly verify?: string;
  readonly chain?: string;
}

const GENESIS =
  '{"v":1,"ts_ms":1730246400000,"writer_id":"svc-gateway@inst-1","seq":1,"stream":"ingress","kind":"get_served","actor":{"anon":true},"subject":{},"reason":"ok","attrs":{},"prev":"b3:0","self_hash":"b3:4b5ccb5b13d41c0c94833aba894351ce933d9913215b83d70cc72dfa3506fa64"}';

const judge = (lines: readonly string[]): RonAuditVerdict => {
  const chain = new RonAuditChain();
  for (const line of lines) chain.push(line);
  return chain.end();
};
const codes = (lines: readonly string[]): string[] => judge(lines).findings.map((one) => one.code);
const ruleOf = (text: string) => matchingRule(parseRonAudit(text, 'record'));

/** A record after `before`, hashed under the rule. */
function next(before: string, change: Record<string, unknown> = {}, rule: 'sorted' | 'declared' = 'sorted'): string {
  const last = parseRonAudit(before, 'before');
  const text = JSON.stringify({
    ...(JSON.parse(before) as object),
    seq: Number(last.seq) + 1,
    prev: last.self_hash,
    ...change,
  });
  const { self_hash: _, ...record } = parseRonAudit(text, 'next');
  return formatRonAudit({ ...record, self_hash: hashRonAudit(record, rule) });
}

/** The texts behind the cases `parse`, which the set does not carry. */
const PARSED: Readonly<Record<string, string>> = {
  unknown_top: GENESIS.replace('{"v"', '{"x":1,"v"'),
  unknown_actor: GENESIS.replace('{"anon":true}', '{"anon":true,"zz":1}'),
  actor_null_field: GENESIS.replace('{"anon":true}', '{"anon":null}'),
  missing_actor: GENESIS.replace('"actor":{"anon":true},', ''),
  dup_top: GENESIS.replace('{"v":1', '{"v":1,"v":1'),
  kind_camel: GENESIS.replace('get_served', 'GetServed'),
  v_big: GENESIS.replace('"v":1', '"v":65536'),
  seq_float: GENESIS.replace('"seq":1', '"seq":1.0'),
  trailing_ws: `${GENESIS} \t\n`,
  missing_subject: GENESIS.replace('"subject":{},', ''),
};
const FLOATS: Readonly<Record<string, string>> = {
  attrs_float_1_5: '1.5',
  attrs_float_1_0: '1.0',
  attrs_exp_1e3: '1e3',
  attrs_neg_zero: '-0',
  attrs_u64_overflow: '18446744073709551616',
  attrs_i64_underflow: '-9223372036854775809',
};
const CHAINS: Readonly<Record<string, readonly [lines: readonly string[], codes: readonly string[]]>> = (() => {
  const late = next(GENESIS.replace('"b3:0"', '"b3:1"'), {});
  const odd = next(GENESIS, { seq: 7, stream: 'policy', ts_ms: 1 });
  return {
    // The crate takes all of these; the strict mode says what it sees.
    first_prev_not_genesis: [[late], ['chain-start']],
    'seq_gap+stream_switch+time_backwards': [
      [GENESIS, odd],
      ['mixed-chain', 'wall-clock-fell', 'seq-mismatch'],
    ],
    empty: [[], ['empty-chain']],
  };
})();

const file = interopFile('ron_audit_vectors.json');

describe.skipIf(!existsSync(file))('the generated set', () => {
  const cases = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Case[]) : [];

  it('every case has the bytes, hash or refusal of the crate', () => {
    let run = 0;
    for (const one of cases) {
      run++;
      if (one.record_json !== undefined) {
        const record = parseRonAudit(one.record_json, one.name!);
        expect(canonicalRonAudit(record, 'sorted'), one.name).toBe(one.canonical_utf8);
        expect(hashRonAudit(record, 'sorted'), one.name).toBe(one.self_hash);
        expect(matchingRule(record), one.name).toBe('sorted');
        expect(parseRonAudit(formatRonAudit(record), one.name!), one.name).toEqual(record);
      } else if (one.error !== undefined) {
        const text = GENESIS.replace('"attrs":{}', `"attrs":{"n":${FLOATS[one.name!]}}`);
        expect(refusal(() => parseRonAudit(text, 'record'))).toMatchObject({ code: 'Malformed' });
      } else if (one.kind !== undefined) {
        expect(KINDS).toContain(one.kind);
        expect(parseRonAudit(GENESIS.replace('get_served', one.kind), 'record').kind).toBe(one.kind);
      } else if (one.parse !== undefined) {
        const text = PARSED[one.parse]!;
        if (one.err !== undefined)
          expect(refusal(() => parseRonAudit(text, 'record')).code, one.parse).toBe('Malformed');
        else expect(ruleOf(text) === null ? 'Err(HashMismatch)' : 'Ok(())', one.parse).toBe(one.verify);
      } else {
        const [lines, found] = CHAINS[one.chain!]!;
        expect(codes(lines), one.chain).toEqual(found);
      }
    }
    expect([run, new Set(cases.map((one) => one.kind).filter(Boolean))]).toEqual([33, new Set(KINDS)]);
    process.stdout.write(`vectors: ron-audit plain ${run} run, 0 skipped\n`);
  });
});

describe('the rule that its documents name', () => {
  it.each([['get_served', 'b3:fc75bddf9c2119909fa548cd5a71d52a31f8e13fbf201afd9c16d89e1cc4d1cd']])(
    '%s',
    (_kind, hash) => {
      const text = GENESIS.replace(/b3:4b5c[0-9a-f]{60}/, hash);
      expect(ruleOf(text)).toBe('declared');
      const second = next(text, {}, 'declared');
      const verdict = judge([text, second]);
      expect([verdict.rules, verdict.findings]).toEqual([{ sorted: 0, declared: 2 }, []]);
    },
  );
});

describe('a chain', () => {
  const chain = [GENESIS];
  for (let n = 0; n < 5; n++) chain.push(next(chain.at(-1)!, { ts_ms: 1730246400001 + n }));

  it('that is whole', () => {
    expect(judge(chain)).toMatchObject({
      records: 6,
      rules: { sorted: 6, declared: 0 },
      writer_id: 'svc-gateway@inst-1',
      stream: 'ingress',
      first_seq: '1',
      last_seq: '6',
      findings: [],
    });
  });

  it.each([
    ['a changed reason', chain.with(2, chain[2]!.replace('"ok"', '"no"')), ['hash-mismatch@2']],
    [
      'a changed hash',
      chain.with(2, chain[2]!.replace(/"self_hash":"b3:./, '"self_hash":"b3:z')),
      ['hash-mismatch@2', 'link-mismatch@3'],
    ],
    [
      'upper-case hex',
      chain.with(
        5,
        chain[5]!.replace(/[0-9a-f]{64}"\}$/, (hex) => hex.toUpperCase()),
      ),
      ['hash-mismatch@5'],
    ],
    ['a removed record', chain.toSpliced(2, 1), ['link-mismatch@2', 'seq-mismatch@2']],
    ['a repeated record', chain.toSpliced(2, 0, chain[2]!), ['link-mismatch@3', 'seq-mismatch@3']],
    ['a cut head', chain.slice(1), ['chain-start@0']],
    ['a line that is none', chain.with(3, '{"v":1}'), ['record-invalid@3']],
    ['an exceeded bound', [...chain, next(chain.at(-1)!, { attrs: { x: 'y'.repeat(1100) } })], ['bounds-exceeded@6']],
    ['another writer', [...chain, next(chain.at(-1)!, { writer_id: 'other' })], ['mixed-chain@6']],
  ] as const)('%s', (_name, lines, found) => {
    expect(judge(lines).findings.map((one) => `${one.code}@${one.index}`)).toEqual(found);
  });

  it('integers beyond 2^53 keep their value', () => {
    const big = next(GENESIS, { attrs: {} }).replace('"attrs":{}', '"attrs":{"a":9007199254740993}');
    const { self_hash: _, ...record } = parseRonAudit(big, 'big');
    expect(canonicalRonAudit(record, 'sorted')).toContain('9007199254740993');
    expect(exceededBounds({ ...record, self_hash: '' })).toEqual([]);
    const other = parseRonAudit(big.replace('993', '992'), 'other');
    expect(hashRonAudit(record, 'sorted')).not.toBe(hashRonAudit(other, 'sorted'));
  });
});

describe('mangled input', () => {
  it.each([
    ['', 'no JSON value'],
    ['[]', 'an object is expected'],
    [GENESIS.slice(0, -1), 'is expected'],
    [`${GENESIS}x`, 'bytes after the end'],
    [GENESIS.replace('"ok"', '"\\ud800"'), 'lone surrogate'],
    [GENESIS.replace('"ok"', '"a\u0001"'), 'no string'],
    [GENESIS.replace('"attrs":{}', `"attrs":${'['.repeat(200)}${']'.repeat(200)}`), 'nested deeper'],
    [GENESIS.replace('"attrs":{}', '"attrs":01'), 'is expected'],
    [GENESIS.replace('"attrs":{}', '"attrs":tru'), 'no JSON value'],
    [GENESIS.replace('{"anon":true}', '[]'), 'actor: an object is expected'],
    [GENESIS.replace('"prev":"b3:0"', '"prev":0'), 'prev: a string is expected'],
    [GENESIS.replace('"seq":1', '"seq":-1'), 'seq: an integer'],
  ])('%# is refused', (text, why) => {
    const error = refusal(() => parseRonAudit(text, 'record 0'));
    expect([error.code, error.message]).toEqual(['Malformed', expect.stringContaining(why)]);
  });

  it('a __proto__ member is a member like others', () => {
    const text = GENESIS.replace('"attrs":{}', '"attrs":{"__proto__":1}');
    expect(canonicalRonAudit(parseRonAudit(text, 'record'), 'sorted')).toContain('"attrs":{"__proto__":1}');
  });

  it('a changed byte never passes', () => {
    for (let at = 0; at < GENESIS.length; at++) {
      const changed = `${GENESIS.slice(0, at)}${String.fromCharCode(GENESIS.charCodeAt(at) ^ 1)}${GENESIS.slice(at + 1)}`;
      let rule: string | null = null;
      try {
        rule = ruleOf(changed);
      } catch (error) {
        expect(error).toMatchObject({ code: 'Malformed' });
      }
      expect(rule, changed).toBeNull();
    }
  });
});
