// A self-signed Ed25519 certificate and its key, made with openssl as an operator would.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Path of the certificate. */
  readonly certFile: string;
}

/** `names`: of subjectAltName, as openssl takes them. */
export function tlsPair(directory: string, name: string, names = 'IP:127.0.0.1'): TlsPair {
  const [certFile, keyFile] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`];
  const argv = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '30', ...subject];
  execFileSync('openssl', [...argv, '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' });
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), certFile };
}
