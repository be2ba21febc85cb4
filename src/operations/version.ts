// What this is and what it runs on: package, runtime, OpenSSL, crypto provider (D-01).

import type { ProviderName } from '../crypto/provider.ts';
import type { OperationDeps } from './deps.ts';

export interface VersionRequest {
  readonly name: string;
  readonly version: string;
  /** Run from src, without a build. */
  readonly development: boolean;
  readonly provider: ProviderName;
  readonly runtime: { readonly node: string; readonly openssl: string; readonly sqlite: string };
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
  };
}
