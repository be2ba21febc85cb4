// `audit.sinks` (log page 4.11): where a server exports its log to. `NAME=file:/PATH`, `NAME=dir:/PATH`, `NAME=https://HOST/PATH`
// or `NAME=http://LOOPBACK/PATH`. The name is that of the cursor and of the metrics. Refuses plain HTTP to another machine.

export interface SinkSpec {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'http';
  /** Absolute path, or URL. */
  readonly target: string;
  /** Of an HTTP sink; empty: none. */
  readonly tokenFile: string;
  readonly caFile: string;
}

/** Of ServerConfig. */
export interface SinkSettings {
  readonly sinks: readonly string[];
  readonly sink_token_file: string;
  readonly sink_ca_file: string;
}

const NO_FILES = { tokenFile: '', caFile: '' };
export const SINKS_MAX = 8;
export const SINK_ITEM = /^[a-z0-9][a-z0-9_-]{0,31}=(?:file:\/|dir:\/|https?:\/\/)[\x21-\x2b\x2d-\x7e]{1,1000}$/;
export const SINK_TAKES = 'NAME=file:/PATH, NAME=dir:/PATH, NAME=https://HOST/PATH or NAME=http://127.0.0.1:PORT/PATH';

/** Of an item that `SINK_ITEM` matches. A text says what is wrong. */
export function parseSink(item: string, files: Pick<SinkSpec, 'tokenFile' | 'caFile'> = NO_FILES): SinkSpec | string {
  const at = item.indexOf('=');
  const [name, place] = [item.slice(0, at), item.slice(at + 1)];
  if (place.startsWith('file:')) return { name, kind: 'file', target: place.slice('file:'.length), ...NO_FILES };
  if (place.startsWith('dir:')) return { name, kind: 'directory', target: place.slice('dir:'.length), ...NO_FILES };
  if (!URL.canParse(place)) return `${name}: ${place} is no URL`;
  const url = new URL(place);
  if (url.username !== '' || url.password !== '') return `${name}: a URL with a password; use audit.sink_token_file`;
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return `${name}: http:// only reaches this machine`;
  return { name, kind: 'http', target: url.href, ...files };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

/** Every one that is right. */
export function sinkSpecs(audit: SinkSettings): readonly SinkSpec[] {
  const files = { tokenFile: audit.sink_token_file, caFile: audit.sink_ca_file };
  return audit.sinks.map((item) => parseSink(item, files)).filter((one) => typeof one !== 'string');
}
