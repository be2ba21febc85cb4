// What this is and what it runs on: package, runtime, OpenSSL, crypto provider (D-01); with `verify`, whether the installed
// files are those that were packed (I-46).

import type { ProviderName } from '../crypto/provider.ts';
import type { Files } from '../host.ts';
import type { OperationDeps } from './deps.ts';
import type { PackageCheck, PackageCheckRequest } from './package-check.ts';

export interface VersionRequest {
  readonly name: string;
  readonly version: string;
  /** Run from src, without a build. */
  readonly development: boolean;
  readonly provider: ProviderName;
  readonly runtime: { readonly node: string; readonly openssl: string; readonly sqlite: string };
  /** Compare the installed files with the packed list. */
  readonly verify?: PackageCheckRequest;
}

export interface VersionResult {
  readonly name: string;
  readonly version: string;
  readonly build: 'release' | 'dev';
  readonly runtime: string;
  readonly openssl: string;
  readonly sqlite: string;
  readonly platform: string;
  readonly crypto_provider: ProviderName;
  readonly package?: PackageCheck;
}

/** Loaded only when asked for: naming the version is the cheapest command. */
async function checked(files: Files, request: PackageCheckRequest): Promise<PackageCheck> {
  const { checkPackage } = await import('./package-check.ts');
  return checkPackage(files, request);
}

export async function version(request: VersionRequest, { host }: Pick<OperationDeps, 'host'>): Promise<VersionResult> {
  return {
    name: request.name,
    version: request.version,
    build: request.development ? 'dev' : 'release',
    runtime: `node ${request.runtime.node}`,
    openssl: request.runtime.openssl,
    sqlite: request.runtime.sqlite,
    platform: `${host.env.platform}-${host.env.arch}`,
    crypto_provider: request.provider,
    ...(request.verify === undefined ? {} : { package: await checked(host.files, request.verify) }),
  };
}
