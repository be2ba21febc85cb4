// The pages of section 5 against the code, both ways: every member that a real object has is on the page; every member on
// the page is known to the parser; what the page does not call optional is refused when absent. Tables of names and numbers
// are compared whole.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { recognise } from '../../src/artefact/recognise.ts';
import { FINDINGS } from '../../src/audit/findings.ts';
import { AUDIT_OPS } from '../../src/audit/ops.ts';
import { parseRecord } from '../../src/audit/record.ts';
import { canonicalFile, type JsonObject, parseCanonical, parseCanonicalFile } from '../../src/bytes/canonical-json.ts';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { CAVEAT_NAMES, RPS_MAX, SCOPES } from '../../src/capability/caveats.ts';
import { parseIdentifier } from '../../src/capability/identifier.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { CLIENT_CONFIG_KEYS } from '../../src/config/client-config.ts';
import { KEMS, SIGNATURES } from '../../src/crypto/suite.ts';
import { RonError } from '../../src/errors.ts';
import { ACTION_NAMES, mayAuthor, SUPPORTED_ACTIONS } from '../../src/governance/actions.ts';
import { buildLine, parseLine } from '../../src/governance/ledger.ts';
import type { Files } from '../../src/host.ts';
import { CREATION_ALGS, WRAP_SUITES } from '../../src/keys/tracks.ts';
import { LIMITS } from '../../src/limits.ts';
import { RECONCILE_FINDINGS } from '../../src/operations/audit/reconcile-findings.ts';
import { PROFILES } from '../../src/policy/profile.ts';
import { RECORD_TYPES } from '../../src/sealed/record-id.ts';
import { parseLogFile } from '../../src/storage/audit-log-file.ts';
import { homePaths, readHome } from '../../src/storage/home.ts';
import { decodePublicView } from '../../src/storage/public-view.ts';
import { readPin } from '../../src/storage/trust-pin.ts';
import { type ArtefactFiles, crypto, makeArtefacts } from '../support/artefacts.ts';
import { type ManSection, manPath, readManPage } from '../support/man-page.ts';

const PAGES = readdirSync(manPath('')).filter((name) => /\.[57]$/.test(name));

let made: ArtefactFiles;
beforeAll(async () => {
  made = await makeArtefacts();
});

describe('every page', () => {
  const mandoc = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', ...PAGES.map(manPath)], { encoding: 'utf8' });

  it.runIf(mandoc.error === undefined)('is clean for mandoc', () => {
    expect(mandoc.stdout).toBe('');
    expect(mandoc.status).toBe(0);
  });

  const groff = (page: string): string =>
    spawnSync('groff', ['-mandoc', '-Tutf8', '-rLL=78n', '-z', '-ww', manPath(page)], { encoding: 'utf8' }).stderr;

  it.runIf(spawnSync('groff', ['--version']).error === undefined)('fits 78 columns for groff', () => {
    const wide = PAGES.map((page) => groff(page)).filter((text) => text.includes("can't break line"));
    expect(wide).toEqual([]);
  });

  it('is there: nine formats, ten concepts', () => {
    expect(PAGES.sort()).toEqual([
      'ron-kms.toml.5',
      'ronctl-audit-log.5',
      'ronctl-audit.7',
      'ronctl-auditor.7',
      'ronctl-capability.5',
      'ronctl-config.5',
      'ronctl-custody.7',
      'ronctl-governance-objects.5',
      'ronctl-governance.7',
      'ronctl-home.5',
      'ronctl-http.7',
      'ronctl-keys.5',
      'ronctl-ledger.5',
      'ronctl-monitoring.7',
      'ronctl-online.7',
      'ronctl-rollout.7',
      'ronctl-sealed.5',
      'ronctl-security.7',
      'ronctl-server.7',
      'ronctl-witness.7',
    ]);
  });

  it('names itself, and refers only to pages that exist', () => {
    const own = new Set(readdirSync(manPath('')).map((name) => name.replace(/\.([157])$/, ' $1')));
    for (const page of PAGES) {
      const source = readFileSync(manPath(page), 'utf8');
      const [, name, section] = /^(.+)\.([57])$/.exec(page)!;
      expect(source).toContain(`.Dt ${name!.toUpperCase()} ${section}\n`);
      expect(source).toContain(`.Nm ${name}\n`);
      for (const [, other] of source.matchAll(/^\.Xr (\S+ [157])/gm))
        expect([page, own.has(other!)]).toEqual([page, true]);
    }
  });

  it('carries the threat model sentence', () => {
    expect(readFileSync(manPath('ronctl-audit.7'), 'utf8')).toContain(
      '\nthe holder of the store passphrase can rewrite unanchored history; `seen` in statements and remembered checkpoints are the limit.\n',
    );
  });
});

/** Members whose own members are data: policy keys, key members, ids. */
const OPEN = new Set([
  'policy',
  'pub',
  'payload',
  'view',
  'objects',
  'detail',
  'genesis',
  'proposal',
  'receipt',
  'statements',
  'possessions',
]);

function nestedNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(nestedNames);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...(OPEN.has(name) ? [] : nestedNames(inner))]);
}

function refusal(act: () => unknown): RonError | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof RonError) return error;
    throw error;
  }
}

/** `read` parses a value of this format and throws Malformed naming the member. */
function compare(page: string, title: string, example: JsonObject, read: (value: JsonObject) => unknown): void {
  const section = readManPage(page).get(title);
  expect(section, `${page} has a section ${title}`).toBeDefined();
  const items = section!.items;
  const names = items.map((one) => one.name);
  expect(
    Object.keys(example).filter((name) => !names.includes(name)),
    `${title}: members missing on the page`,
  ).toEqual([]);
  const words = new Set(section!.text.split(/[\s,():{}"'`[\]]+/));
  const nested = nestedNames(Object.fromEntries(Object.entries(example).filter(([name]) => !OPEN.has(name))));
  expect(
    [...new Set(nested)].filter((name) => !words.has(name)),
    `${title}: nested members missing on the page`,
  ).toEqual([]);

  expect(refusal(() => read({ ...example, zzz: 1 }))?.message, `${title}: refuses unknown members`).toContain('zzz');
  for (const { name, optional } of items) {
    const { [name]: _removed, ...without } = example;
    const shown = `${title}: ${name}${optional ? ' (optional)' : ''}`;
    if (optional) {
      const planted = refusal(() => read({ ...example, [name]: { zzz: [] } }));
      expect(planted?.message ?? '', `${shown}: is known to the parser`).not.toContain(`${name}: unknown member`);
      expect(planted, `${shown}: refuses a value of another form`).not.toBeNull();
    } else {
      expect(refusal(() => read(without))?.message, `${shown}: is required`).toContain(`${name}: `);
    }
  }
}

const payloadOf = (file: Uint8Array): { outer: JsonObject; payload: JsonObject } => {
  const outer = parseCanonicalFile(file, 'file') as JsonObject;
  const payload = parseCanonical(
    new Uint8Array(Buffer.from(outer['payload'] as string, 'base64')),
    'payload',
  ) as JsonObject;
  return { outer, payload };
};

describe('signed objects', () => {
  const rows = [
    ['ronctl-governance-objects.5', 'gov.signer.v1', 'signer bundle'],
    ['ronctl-governance-objects.5', 'gov.genesis.v1', 'genesis'],
    ['ronctl-governance-objects.5', 'gov.proposal.v1', 'proposal'],
    ['ronctl-governance-objects.5', 'gov.statement.v1', 'statement'],
    ['ronctl-governance-objects.5', 'gov.possession.v1', 'possession'],
    ['ronctl-governance-objects.5', 'gov.execution.v1', 'receipt'],
    ['ronctl-governance-objects.5', 'gov.roll-call.v1', 'roll-call'],
    ['ronctl-governance-objects.5', 'gov.dispute.v1', 'dispute'],
    ['ronctl-keys.5', 'kms.key.v1', 'key object'],
    ['ronctl-keys.5', 'kms.continuity.v1', 'continuity'],
    ['ronctl-keys.5', 'kms.attestation.v1', 'attestation'],
  ] as const;

  it.each(rows)('%s: %s', (page, title, kind) => {
    const { outer, payload } = payloadOf(made.files[kind]);
    expect(outer['payloadType']).toBe(`application/vnd.ron.${title}+json`);
    const read = (value: JsonObject): unknown =>
      recognise(
        crypto,
        canonicalFile({ ...outer, payload: Buffer.from(canonicalFile(value).subarray(0, -1)).toString('base64') }),
        [],
      );
    compare(page, title, payload, read);
  });

  const unsigned = [
    ['gov.request.v1', 'request'],
    ['gov.draft.v1', 'draft'],
    ['gov.proof.v1', 'proof'],
    ['gov.evidence.v1', 'evidence'],
  ] as const;

  it.each(unsigned)('ronctl-governance-objects.5: %s', (title, kind) => {
    const value = parseCanonicalFile(made.files[kind], 'file') as JsonObject;
    const { type, ...rest } = value;
    expect(type).toBe(`application/vnd.ron.${title}+json`);
    const section = readManPage('ronctl-governance-objects.5').get(title)!;
    expect(section.items.map((one) => one.name).sort()).toEqual(Object.keys(value).sort());
    for (const name of Object.keys(rest)) {
      const { [name]: _removed, ...without } = value;
      expect(refusal(() => recognise(crypto, canonicalFile(without), []))?.message).toContain(
        `${name}: missing member`,
      );
    }
    expect(refusal(() => recognise(crypto, canonicalFile({ ...value, zzz: 1 }), []))?.message).toContain(
      'zzz: unknown member',
    );
  });

  it('ronctl-keys.5: Signature bundle', () => {
    const value = parseCanonicalFile(made.files['signature bundle'], 'file') as JsonObject;
    const section = readManPage('ronctl-keys.5').get('Signature bundle')!;
    expect(section.items.map((one) => one.name).sort()).toEqual(Object.keys(value).sort());
    for (const name of nestedNames(value)) expect(section.text).toContain(name);
  });
});

describe('ronctl-capability.5', () => {
  const identifier = { v: 1, id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81', root: 1, once: false };
  const whole = { ...identifier, minted_at: '2026-11-20T10:00:00.000Z', minted_by: 'system', sub: 'ci' };

  it('names the members of the identifier, and which may be missing', () => {
    const { items } = readManPage('ronctl-capability.5').get('Identifier')!;
    expect(items.map((one) => one.name).sort()).toEqual(Object.keys(whole).sort());
    for (const { name, optional } of items) {
      const { [name as keyof typeof whole]: _removed, ...without } = whole;
      expect([name, refusal(() => parseIdentifier(canonicalFile(without).subarray(0, -1))) === null]).toEqual([
        name,
        optional,
      ]);
    }
    expect(refusal(() => parseIdentifier(canonicalFile({ ...whole, zzz: 1 }).subarray(0, -1)))).not.toBeNull();
  });

  it('names every caveat and every scope, and no other', () => {
    const { items, text } = readManPage('ronctl-capability.5').get('Caveats')!;
    expect(items.map((one) => one.name).sort()).toEqual([...CAVEAT_NAMES].sort());
    expect([...new Set(text.match(/kms:[a-z]+/g))].sort()).toEqual([...SCOPES].sort());
  });

  it('gives the limits', () => {
    const page = readManPage('ronctl-capability.5');
    const token = page.get('Token')!.text;
    for (const limit of [LIMITS.capabilityBytes, LIMITS.capabilityCaveats, LIMITS.capabilityLocationBytes]) {
      expect(token).toContain(`${limit}`);
    }
    expect(page.get('Identifier')!.text).toContain(`${LIMITS.capabilityIdentifierBytes} bytes`);
    expect(page.get('Caveats')!.text).toContain(`${LIMITS.capabilityCaveatBytes} bytes`);
    expect(page.get('Caveats')!.text).toContain(`1 to ${RPS_MAX}`);
  });
});

describe('ronctl-sealed.5', () => {
  it('names the members of a header', () => {
    const items = readManPage('ronctl-sealed.5').get('Header')!.items;
    const headerOf = (bytes: Uint8Array): JsonObject => {
      const length = Buffer.from(bytes).readUInt32BE(5);
      return parseCanonical(bytes.subarray(9, 9 + length), 'header') as JsonObject;
    };
    const root = Object.keys(headerOf(made.rootRecord));
    const record = Object.keys(headerOf(made.files['sealed record']));
    const names = items.map((one) => one.name);
    for (const name of [...root, ...record]) expect(names).toContain(name);
    const always = root.filter((name) => record.includes(name));
    expect(
      items
        .filter((one) => !one.optional)
        .map((one) => one.name)
        .sort(),
    ).toEqual(always.sort());
    expect(
      items
        .filter((one) => one.optional)
        .map((one) => one.name)
        .sort(),
    ).toEqual(['kcv', 'kdf', 'kid', 'not_after']);
  });

  it('names every record type', () => {
    const { text } = readManPage('ronctl-sealed.5').get('Header')!;
    const words = new Set(text.split(/[\s,.]+/));
    expect(RECORD_TYPES.filter((one) => !words.has(one))).toEqual([]);
  });
});

describe('ronctl-ledger.5', () => {
  const lines = (): string[] => fromUtf8(made.files['ledger segment'])!.trimEnd().split('\n');

  it('names the members of a line', () => {
    const section = readManPage('ronctl-ledger.5').get('Line')!;
    const line = JSON.parse(lines()[0]!) as JsonObject;
    expect(section.items.map((one) => one.name).sort()).toEqual(Object.keys(line).sort());
  });

  it('names every type, and no other', () => {
    const section = readManPage('ronctl-ledger.5').get('Types')!;
    const raw = JSON.parse(lines()[0]!) as JsonObject;
    const planted = utf8(fromUtf8(canonicalFile({ ...raw, type: 'zzz' }))!.trimEnd());
    const { message } = refusal(() => parseLine(planted, null))!;
    const known = [...message.matchAll(/"([a-z-]+)"/g)].map((one) => one[1]!);
    expect(known.length).toBeGreaterThan(10);
    expect(section.items.map((one) => one.name).sort()).toEqual(known.sort());
  });

  it('names the members of the bodies that are no envelopes', () => {
    const section = readManPage('ronctl-ledger.5').get('Types')!;
    const moment = { wall: '2026-11-20T10:00:00.000Z', boot_id: 'b', boottime_ms: 1 };
    const digest = `sha256:${'0'.repeat(64)}`;
    const bodies = {
      intent: JSON.parse(lines()[4]!).body as JsonObject,
      failed: { proposal_digest: digest, applied: [], reason: 'r', judged_at: moment },
      rollback: {
        proposal_digest: digest,
        scope: 'global',
        changes: [{ key: 'k', from: 1, to: 2 }],
        duration_s: 1,
        actor: 'a',
        judged_at: moment,
      },
      tune: { scope: 'global', key: 'k', from: 1, to: 2, baseline: 1, envelope: 3, actor: 'a', judged_at: moment },
      note: { kind: 'text', data: {}, actor: 'a', judged_at: moment },
    } as const;
    for (const [type, body] of Object.entries(bodies)) {
      const { bytes } = buildLine(null, { ts: moment.wall, content: { type, body } as never });
      expect([type, refusal(() => parseLine(bytes, null))]).toEqual([type, null]);
      const extra = buildLine(null, { ts: moment.wall, content: { type, body: { ...body, zzz: 1 } } as never }).bytes;
      expect(refusal(() => parseLine(extra, null))?.message).toContain('body.zzz: unknown member');
      for (const name of Object.keys(body))
        expect([type, name, section.text.includes(name)]).toEqual([type, name, true]);
    }
  });

  it('gives the length of a segment', () => {
    expect(readManPage('ronctl-ledger.5').get('DESCRIPTION')!.text).toContain(
      `segments of ${LIMITS.ledgerSegmentLines} lines`,
    );
  });
});

describe('ronctl-audit-log.5', () => {
  it('names the members of a record', () => {
    const line = fromUtf8(made.files['audit segment'])!.split('\n')[1]!;
    const read = (value: JsonObject): unknown => parseRecord(canonicalFile(value).subarray(0, -1), 'record');
    compare('ronctl-audit-log.5', 'Record', JSON.parse(line) as JsonObject, read);
  });

  it('lists exactly the operations', () => {
    const { text } = readManPage('ronctl-audit-log.5').get('Operations')!;
    const listed = text
      .slice(0, text.indexOf('A reader'))
      .split(/[\s,]+/)
      .filter((one) => one !== '');
    expect(listed.sort()).toEqual(Object.keys(AUDIT_OPS).sort());
  });

  it('gives the limits', () => {
    const { text } = readManPage('ronctl-audit-log.5').get('Segment')!;
    expect(text).toContain(String(LIMITS.auditSegmentRecords));
    expect(text).toContain(String(LIMITS.auditLineBytes));
  });
});

describe('ronctl-audit.7', () => {
  const MARKS = { begin: '.\\" begin reconcile\n', end: '.\\" end reconcile\n' };
  const source = readFileSync(manPath('ronctl-audit.7'), 'utf8');
  const [before, rest] = source.split(MARKS.begin) as [string, string];
  const [reconcile, after] = rest.split(MARKS.end) as [string, string];
  const listed = (text: string): string[] =>
    [...text.matchAll(/^\.It Cm ([a-z-]+)\n(\d+):/gm)].map((one) => `${one[1]} ${one[2]}`).sort();

  it('lists exactly the findings, with their exit code', () => {
    const exit = { tampered: '10', inconclusive: '11', note: '0' };
    expect(listed(before + after)).toEqual(
      Object.entries(FINDINGS)
        .map(([code, severity]) => `${code} ${exit[severity]}`)
        .sort(),
    );
  });

  it('lists exactly the findings of audit reconcile, with their exit code', () => {
    const exit = { unexplained: '10', absence: '10', undecidable: '11', note: '0' };
    expect(listed(reconcile)).toEqual(
      Object.entries(RECONCILE_FINDINGS)
        .map(([code, weight]) => `${code} ${exit[weight]}`)
        .sort(),
    );
  });
});

describe('ronctl-keys.5', () => {
  it('gives the lengths of every parameter set', () => {
    const rows = readManPage('ronctl-keys.5').get('Lengths')!.rows.slice(1);
    const names = { x25519: 'X25519', 'ml-kem': 'ML-KEM-768', 'x-wing': 'X-Wing' } as const;
    const expected = [
      ...Object.values(SIGNATURES).map((one) => [one.set, one.secretBytes, one.publicBytes, one.signatureBytes]),
      ...Object.values(KEMS).map((one) => [names[one.alg], one.secretBytes, one.publicBytes, one.ciphertextBytes]),
    ].map((row) => row.map(String).join(' '));
    expect(rows.map((row) => row.join(' ')).toSorted()).toEqual(expected.toSorted());
  });

  it('names every key member and wrap suite', () => {
    const lengths = readManPage('ronctl-keys.5').get('Lengths')!.text;
    for (const one of [...Object.values(SIGNATURES), ...Object.values(KEMS)]) expect(lengths).toContain(one.member);
    const rows = readManPage('ronctl-keys.5').get('Wrap envelope')!.rows.slice(1);
    expect(rows.map((row) => [row[0], row[2]])).toEqual(
      Object.entries(WRAP_SUITES).map(([suite, { kem }]) => [suite, String(KEMS[kem].ciphertextBytes)]),
    );
  });

  it('ronctl-custody.7 lists exactly the creation algorithms', () => {
    const rows = readManPage('ronctl-custody.7').get('KEYS')!.rows.slice(1);
    expect(rows.map((row) => row[0]!).toSorted()).toEqual(CREATION_ALGS.toSorted());
  });
});

describe('ronctl-home.5', () => {
  const readAs =
    (path: string, read: (files: Files) => unknown) =>
    (value: JsonObject): unknown =>
      read({
        ...nodeHost().files,
        info: () => null,
        read: (asked: string) => (asked === path ? canonicalFile(value) : null),
      });
  const home = homePaths('/home');
  const T = '2026-11-20T10:00:00.000Z';

  it('home.json', () => {
    const example = {
      format: 'ronctl-home/1',
      home_id: '0190f3c0-0000-4000-8000-000000000001',
      created_at: T,
      profile: 'dev',
      restored: { at: T, head: null },
    };
    compare(
      'ronctl-home.5',
      'home.json',
      example,
      readAs(home.homeFile, (files) => readHome(files, home)),
    );
  });

  it('pin.json', () => {
    const ledgerId = `gl-${'a'.repeat(32)}`;
    const example = { genesis_digest: `sha256:${'0'.repeat(64)}`, name: 'main', pinned_at: T };
    const path = `${home.trust}/${ledgerId}/pin.json`;
    compare(
      'ronctl-home.5',
      'pin.json',
      example,
      readAs(path, (files) => readPin({ files, paths: home }, ledgerId)),
    );
  });

  it('public.json', () => {
    const example = {
      v: 1,
      store_id: '0'.repeat(32),
      ledger_id: null,
      generation: 1,
      keys: [
        {
          kid: 'acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001',
          state: 'active',
          versions: [
            {
              n: 1,
              state: 'compromised',
              from_seq: 3,
              tracks: ['ed25519'],
              suite: 1,
              pub: { ed25519: '0'.repeat(64) },
              created_seq: 1,
              continuity: `sha256:${'0'.repeat(64)}`,
            },
          ],
        },
      ],
      ledger: { seq: 1, hash: `sha256:${'0'.repeat(64)}`, state_sha256: '0'.repeat(64) },
      policy: { seq: 1, hash: `sha256:${'0'.repeat(64)}` },
    };
    compare('ronctl-home.5', 'public.json', example, (value) => decodePublicView(canonicalFile(value), 'public.json'));
  });

  it('log.json of ronctl-audit-log.5', () => {
    const example = parseCanonicalFile(made.logFile, 'log.json') as JsonObject;
    compare('ronctl-audit-log.5', 'log.json', example, (value) => parseLogFile(canonicalFile(value), 'log.json'));
  });

  it('names every file of a home', () => {
    const { text } = readManPage('ronctl-home.5').get('FILES')!;
    for (const path of Object.values(home)) {
      if (typeof path !== 'string' || path === '/home') continue;
      const name = path.slice('/home/'.length);
      expect([name, text.includes(name.split('/').at(-1)!)]).toEqual([name, true]);
    }
  });
});

describe('ronctl-governance.7', () => {
  const listed = (text: string): string[] => [...text.matchAll(/[a-z]+(?:-[a-z]+)*/g)].map((one) => one[0]);
  const pages = (): ReadonlyMap<string, ManSection> => readManPage('ronctl-governance.7');

  it('lists exactly the actions, and exactly those that this version does not carry out', () => {
    const { text } = pages().get('ACTIONS')!;
    expect(listed(text.slice(text.indexOf('JSON') + 4)).sort()).toEqual([...ACTION_NAMES].sort());
    const caveats = pages().get('CAVEATS')!.text;
    const refused = ACTION_NAMES.filter((one) => !SUPPORTED_ACTIONS.includes(one));
    expect(listed(caveats.slice(caveats.indexOf('proposed:') + 9)).sort()).toEqual([...refused].sort());
  });

  it('lists exactly what a custodian may propose', () => {
    const { text } = pages().get('ROLES')!;
    const custodian = text.slice(text.indexOf('May propose only') + 16, text.indexOf('external-auditor'));
    const may = ACTION_NAMES.filter((one) => mayAuthor('custodian', one));
    expect(listed(custodian.replace(' and ', ' ')).sort()).toEqual([...may].sort());
  });

  it('gives the profiles as they are', () => {
    expect(pages().get('PROFILES')!.rows.slice(1)).toEqual(
      Object.values(PROFILES).map((one) => [
        one.profile,
        String(one.startPhase),
        one.evidenceRequired ? 'draft only' : 'shown',
        one.profile === 'micronode' ? 'yes' : 'no',
      ]),
    );
  });
});

describe('ronctl-config.5', () => {
  it('lists exactly the keys of config.toml', () => {
    const { items } = readManPage('ronctl-config.5').get('config.toml')!;
    const known = Object.entries(CLIENT_CONFIG_KEYS).flatMap(([table, keys]) =>
      Object.keys(keys).map((key) => `${table}.${key}`),
    );
    expect(items.map((one) => one.name).sort()).toEqual(known.sort());
  });
});
