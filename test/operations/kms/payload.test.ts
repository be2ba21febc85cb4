import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { blake3Hex } from '../../../src/crypto/blake3.ts';
import type { ProgressEvent } from '../../../src/host.ts';
import { payloadB3 } from '../../../src/operations/kms/payload.ts';

const directory = mkdtempSync(join(tmpdir(), 'ronctl-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const host = nodeHost();

describe('the payload of sign and verify', () => {
  it.each([0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3_500_000])(
    'a file of %i bytes is hashed in chunks',
    async (size) => {
      const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 7) % 251);
      const path = join(directory, `f${size}`);
      writeFileSync(path, bytes);
      const events: ProgressEvent[] = [];
      expect(await payloadB3({ kind: 'file', path }, host, (event) => events.push(event))).toBe(blake3Hex(bytes));
      expect(await payloadB3({ kind: 'bytes', bytes }, host, () => {})).toBe(blake3Hex(bytes));
      expect(events.length).toBe(Math.ceil(size / (1024 * 1024)));
      if (size > 0) expect(events.at(-1)).toMatchObject({ done: size, total: size, unit: 'bytes' });
    },
  );

  it('a missing file is not found; a digest is taken as it is, in lower case only', async () => {
    const missing = payloadB3({ kind: 'file', path: join(directory, 'none') }, host, () => {});
    await expect(missing).rejects.toMatchObject({ code: 'NotFound' });
    const hex = blake3Hex(new Uint8Array(3));
    expect(await payloadB3({ kind: 'b3', hex }, host, () => {})).toBe(hex);
    const upper = payloadB3({ kind: 'b3', hex: hex.toUpperCase() }, host, () => {});
    await expect(upper).rejects.toMatchObject({ code: 'InvalidValue', field: '--b3' });
  });
});
