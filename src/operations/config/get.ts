// `config get`: the effective configuration of the client, or of `kms serve` with `config get ron-kms` (CLI-08), as data and
// as a file that `config check` accepts. Nothing in it is a secret: passphrases, tokens and PINs are never configuration.

import { type ClientSources, effectiveClientKeys, printClientConfig } from '../../config/client-effective.ts';
import { serverKeys } from '../../config/server-keys.ts';
import { memberOf } from '../../config/server-merge.ts';
import { printServerConfig } from '../../config/server-print.ts';
import type { Violation } from '../../config/server-sources.ts';
import { toFile, toText } from '../../config/server-value.ts';
import { RonError } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { judgedServerConfig } from './home-policy.ts';

export interface ConfigKey {
  readonly key: string;
  readonly value: string | number | boolean | readonly string[] | null;
  readonly origin: string;
}

export interface ConfigGetResult {
  readonly subject: 'client' | 'ron-kms';
  /** Absolute path of the file that was read. */
  readonly file: string | null;
  readonly keys: readonly ConfigKey[];
  /** The same as TOML. */
  readonly text: string;
  /** What this build can do; keys of the others are refused. Empty for the client. */
  readonly features: Readonly<Record<string, boolean>>;
  readonly warnings: readonly string[];
  readonly violations: readonly Violation[];
}

/** Switches of other builds (CONFIG.md 7): here they say what the one build has. */
const FEATURES = { cli: true, cloud: false, grpc: false, oap: false, pkcs11: false, pq: true, tls: true, tpm: false };

export async function configGetClient(sources: ClientSources, withOrigins: boolean): Promise<ConfigGetResult> {
  const keys = effectiveClientKeys(sources);
  return {
    subject: 'client',
    file: sources.file,
    keys,
    text: printClientConfig(keys, withOrigins),
    features: {},
    warnings: [],
    violations: [],
  };
}

/** With `error` the configuration would not start a server; it is printed all the same. */
export async function configGetServer(
  withOrigins: boolean,
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
): Promise<{ readonly result: ConfigGetResult; readonly error: RonError | undefined }> {
  const judged = await judgedServerConfig({}, deps);
  const effective = judged.judgement ?? judged;
  const violations = [...judged.violations, ...(judged.judgement?.violations ?? [])];
  const keys = serverKeys().map(({ key, member, type }) => {
    const value = memberOf(effective.config, member);
    // A fraction stays text: canonical JSON has none.
    const shown = value === null ? null : type.kind === 'permille' ? toText(type, value) : toFile(type, value);
    return { key, value: shown, origin: effective.origins.get(key)! };
  });
  const result: ConfigGetResult = {
    subject: 'ron-kms',
    file: judged.file,
    keys,
    text: printServerConfig(effective, { withOrigins }),
    features: FEATURES,
    warnings: judged.warnings,
    violations,
  };
  return { result, error: violationError(violations, 'this configuration does not start a server') };
}

/** The server's configuration for a report that must not fail because of it: what was read, or why it cannot be. */
export async function configReport(
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
): Promise<ConfigGetResult | { readonly code: string; readonly message: string }> {
  try {
    return (await configGetServer(true, deps)).result;
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** RefusedConfig with how many things are wrong and the first of them; undefined when nothing is. */
export function violationError(violations: readonly Violation[], what: string): RonError | undefined {
  const [first] = violations;
  if (first === undefined) return undefined;
  const more = violations.length === 1 ? '' : ` (and ${violations.length - 1} more)`;
  const code = violations.every((one) => one.code === 'Unsupported') ? 'Unsupported' : 'RefusedConfig';
  return new RonError(code, `${what}: ${first.message}${more}`, { field: first.key, hint: first.hint });
}
