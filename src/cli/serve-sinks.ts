// Makes the sinks of `audit.sinks`: files of this machine, also for a server whose own files are in memory, and HTTP with the
// token and CA of the configuration, which are read again whenever a sink is opened.

import { fromUtf8 } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import type { Host } from '../host.ts';
import { fileSink } from '../kms/service/sinks/file-sink.ts';
import type { OpenSink, Sink } from '../kms/service/sinks/sink.ts';
import { connectSink } from '../kms-client/sink-client.ts';
import { readToken } from './token-file.ts';

const TIMEOUT_MS = 5000;
const CA_BYTES = 256 * 1024;

export function sinksOf(host: Host): OpenSink {
  return async (spec): Promise<Sink> => {
    if (spec.kind !== 'http') return fileSink(host.files, spec);
    const { tokenFile, caFile } = spec;
    const token = tokenFile === '' ? null : readToken(host, tokenFile, 'audit.sink_token_file');
    const connection = await connectSink({ url: spec.target, token, ca: caOf(host, caFile), timeoutMs: TIMEOUT_MS });
    return {
      deliver: ({ origin, bytes }, signal) => connection.post(origin, bytes, signal),
      close: () => connection.close(),
    };
  };
}

function caOf({ files }: Host, path: string): string | null {
  if (path === '') return null;
  const bytes = files.read(files.realPath(path), CA_BYTES);
  return (
    (bytes === null ? null : fromUtf8(bytes)) ?? fail('NotFound', `audit.sink_ca_file: there is no PEM file ${path}`)
  );
}
