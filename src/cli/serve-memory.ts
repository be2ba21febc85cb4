// What governs a server in memory, and what survives it (I-29, service page 8): genesis by --genesis, by the one pin of the
// home, or none; its ledger by --ledger, whose head --ledger-proof or --expect-ledger-head confirms; the spool gets ledger
// lines as they are, and `{"note_b64"}` for each checkpoint, one JSON object per line. Refuses several pins without
// --genesis, and these flags with a backend that keeps its own.
// Attack: a restart plus a looser environment bypasses a freeze.

import { toBase64 } from '../bytes/base64.ts';
import { utf8 } from '../bytes/text.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { FixedProfile } from '../config/server-merge.ts';
import type { Crypto } from '../crypto/provider.ts';
import { parseEnvelope } from '../envelope/dsse.ts';
import { fail, RonError } from '../errors.ts';
import { verifyGenesis } from '../governance/genesis.ts';
import type { Files } from '../host.ts';
import type { CustodyServiceOptions, SpoolPart } from '../kms/service/custody-service.ts';
import { LIMITS } from '../limits.ts';
import { checkedFiles } from '../storage/checked-files.ts';
import { homePaths } from '../storage/home.ts';
import { listPins } from '../storage/trust-pin.ts';
import type { Runtime } from './runtime.ts';
import type { ServeFlags } from './serve.ts';

type Memory = NonNullable<CustodyServiceOptions['memory']>;
type Spool = NonNullable<CustodyServiceOptions['spool']>;

const ONLY_IN_MEMORY = ['genesis', 'ledger', 'ledger-proof', 'expect-ledger-head', 'spool'] as const;

/** The genesis of the home's only pin; null without a pin. */
function pinned(files: Files, home: string): { readonly file: Uint8Array; readonly digest: string } | null {
  const paths = homePaths(home);
  const checked = checkedFiles(files, home);
  const pins = listPins({ files: checked, paths });
  const [pin, other] = pins;
  if (pin === undefined) return null;
  if (other !== undefined) {
    fail('RefusedConfig', `the home trusts ${pins.length} ledgers; which one governs this server?`, {
      field: '--genesis',
      hint: `Give --genesis ${paths.trust}/LEDGER/genesis.json.`,
    });
  }
  const file = checked.read(`${paths.trust}/${pin.ledger_id}/genesis.json`, LIMITS.signedFileBytes);
  return { file: file ?? fail('Tampered', `the genesis of ${pin.ledger_id} is missing`), digest: pin.genesis_digest };
}

/** Null with a backend that keeps its own; Usage when flags of a memory were given for it. */
export async function memoryRequest(
  runtime: Runtime,
  flags: ServeFlags,
  { service }: Pick<ServerConfig, 'service'>,
): Promise<Memory | null> {
  if (service.backend !== 'inmem') {
    const wrong = ONLY_IN_MEMORY.find((name) => flags[name] !== undefined);
    if (wrong === undefined) return null;
    throw new RonError('Usage', `--${wrong} is for a server in memory (--amnesia, or --backend inmem)`, {
      field: `--${wrong}`,
    });
  }
  const read = async (name: (typeof ONLY_IN_MEMORY)[number], most: number): Promise<Uint8Array | null> =>
    flags[name] === undefined ? null : runtime.readInput(flags[name], most);
  const given = await read('genesis', LIMITS.signedFileBytes);
  const own = given === null ? pinned(runtime.host.files, runtime.home) : null;
  const genesis = given ?? own?.file ?? null;
  if (genesis === null && service.genesis_digest !== '') {
    fail('RefusedConfig', `service.genesis_digest is ${service.genesis_digest}, and no genesis is at hand`, {
      field: 'service.genesis_digest',
      hint: 'Give --genesis FILE, or trust it in this home: `ronctl governance trust`.',
    });
  }
  return {
    genesis,
    genesisDigest: service.genesis_digest || own?.digest || null,
    ledger: await read('ledger', LIMITS.stateFileBytes),
    expectHead: flags['expect-ledger-head'] ?? null,
    headProof: await read('ledger-proof', LIMITS.requestFileBytes),
  };
}

/** The profile of the genesis that governs a memory: the only source of it. Throws VerificationFailed. */
export function governedProfile(memory: Memory | null, crypto: Crypto): FixedProfile | null {
  if (memory?.genesis == null) return null;
  const { genesis } = verifyGenesis(crypto, parseEnvelope(memory.genesis, 'genesis'));
  return { profile: genesis.profile, by: `the genesis of ${genesis.ledger_id}` };
}

const linesOf = ({ ledger, checkpoint }: SpoolPart): string =>
  [...ledger.map((line) => Buffer.from(line).toString('utf8')), JSON.stringify({ note_b64: toBase64(checkpoint) })]
    .map((line) => `${line}\n`)
    .join('');

/** Appends to a file (0600), durable when resolved, or to standard output. */
export function spoolTo(runtime: Runtime, given: string | undefined): Spool | undefined {
  if (given === undefined) return undefined;
  const { files, terminal } = runtime.host;
  if (given === '-') return async (part) => terminal.writeStdout(linesOf(part));
  const path = runtime.path(given);
  return async (part) => {
    const file = files.open(path, files.info(path) === null ? 'create-new' : 'write');
    try {
      file.write(utf8(linesOf(part)), file.info().sizeBytes);
      await file.sync();
    } finally {
      file.close();
    }
  };
}
