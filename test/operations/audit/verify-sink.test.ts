// `audit verify` of what a sink wrote: final only under a checkpoint, repetitions allowed, holes and other lines not.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { sinksOf } from '../../../src/cli/serve-sinks.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { auditVerifySink, isSink } from '../../../src/operations/audit/verify-sink.ts';
import { B3, call } from '../../contract/kms-subject.ts';
import { testCrypto } from '../../support/crypto.ts';
import { expectData } from '../../support/data-schema.ts';
import { serverConfig, serving } from '../../support/serving.ts';
import { temporaryHome } from '../../support/store.ts';

interface Written {
  readonly home: string;
  readonly lines: readonly string[];
}

/** A server that lived for a while, and what its directory sink has of it. */
async function written(): Promise<Written> {
  const place = temporaryHome();
  mkdirSync(place, { recursive: true });
  const config = serverConfig((base) => ({ audit: { ...base.audit, sinks: [`one=dir:${place}`] } }));
  const { service, clock, deps } = await serving({ config, options: { sinks: sinksOf(nodeHost()) } });
  await service.start();
  const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;
  const { kid } = await service.kms.keys.create(key, call());
  await clock.pass(1500);
  for (let n = 0; n < 4; n++) await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
  await clock.pass(1000);
  await service.close('SIGTERM');
  const names = readdirSync(place);
  expect(names).toHaveLength(1);
  return { home: deps.home, lines: readFileSync(join(place, names[0]!), 'utf8').trimEnd().split('\n') };
}

async function verify({ home }: Written, lines: readonly string[]): Promise<AuditVerifyResult> {
  const place = temporaryHome();
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'log.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const deps = { host: nodeHost(), home, crypto: async () => testCrypto(), onProgress: () => undefined };
  expect([isSink(deps, place), isSink(deps, join(place, 'log.jsonl')), isSink(deps, home)]).toEqual([
    true,
    true,
    false,
  ]);
  const result = await auditVerifySink(place, null, deps);
  expectData('audit/verify', result);
  return result;
}

const isRecord = (line: string): boolean => line.startsWith('{"index":');

describe('what a sink wrote', () => {
  it('is consistent, all of it final, and its tail is not', async () => {
    const made = await written();
    const whole = await verify(made, made.lines);
    const records = made.lines.filter(isRecord).length;
    expect(whole).toMatchObject({ verdict: 'consistent', kind: 'sink', trust: 'local', findings: [] });
    expect(whole.epochs).toMatchObject([{ epoch: 0, records, covered: records, unsigned_tail: 0 }]);
    const lastNote = made.lines.findLastIndex((line) => !isRecord(line));
    const before = made.lines.slice(0, lastNote);
    const cut = await verify(made, before);
    expect(cut.epochs[0]!.unsigned_tail).toBeGreaterThan(0);
    // This home knows that there is more.
    expect(cut).toMatchObject({ verdict: 'inconclusive', findings: [{ code: 'older-copy' }] });
    const none = await verify(made, made.lines.filter(isRecord));
    expect(none).toMatchObject({ verdict: 'inconclusive', findings: [{ code: 'no-checkpoint' }] });
    expect(none.epochs[0]).toMatchObject({ covered: 0, unsigned_tail: records });

    const again = [...made.lines.slice(0, 6), ...made.lines.slice(3)];
    expect(await verify(made, again)).toMatchObject({ verdict: 'consistent', epochs: [{ records }] });

    const at = made.lines.findIndex((line) => line.includes('"index":2,'));
    const damaged: [string, string[], string][] = [
      ['a hole', made.lines.filter((_, n) => n !== at), 'missing-records'],
      ['no beginning', made.lines.slice(1), 'missing-records'],
      [
        'another record',
        made.lines.map((line, n) => (n === at ? line.replace(/\\"mono\\":\d/, '\\"mono\\":9') : line)),
        'root-mismatch',
      ],
      ['two in another order', swapped(made.lines, at), 'missing-records'],
      ['a line that is none', made.lines.map((line, n) => (n === at ? '{"index":2}' : line)), 'record-invalid'],
      ['a checkpoint too early', moved(made.lines, lastNote, 1), 'missing-records'],
      ['a checkpoint of somebody else', otherNote(made.lines), 'checkpoint-signature'],
      [
        'a record that came twice, otherwise',
        [
          ...made.lines.slice(0, at + 1),
          made.lines[at]!.replace(/\\"mono\\":\d+/, '\\"mono\\":1'),
          ...made.lines.slice(at + 1),
        ],
        'leaf-mismatch',
      ],
    ];
    for (const [name, lines, code] of damaged) {
      const result = await verify(made, lines);
      expect(result.verdict, name).toBe('tampered');
      expect(
        result.findings.map((one) => one.code),
        name,
      ).toContain(code);
    }
    const stranger = await verify({ ...made, home: join(made.home, 'elsewhere') }, made.lines);
    expect(stranger).toMatchObject({ verdict: 'inconclusive', trust: 'none', findings: [{ code: 'no-trusted-key' }] });
  });
});

function swapped(lines: readonly string[], at: number): string[] {
  const out = [...lines];
  [out[at], out[at + 1]] = [out[at + 1]!, out[at]!];
  return out;
}

function moved(lines: readonly string[], from: number, to: number): string[] {
  const out = [...lines];
  const [line] = out.splice(from, 1);
  out.splice(to, 0, line!);
  return out;
}

/** The first checkpoint with one character of its signature changed. */
function otherNote(lines: readonly string[]): string[] {
  const at = lines.findIndex((line) => !isRecord(line));
  return lines.map((line, n) =>
    n === at
      ? line.replace(/(— \S+ .{20})(.)/, (_, head: string, one: string) => `${head}${one === 'A' ? 'B' : 'A'}`)
      : line,
  );
}
