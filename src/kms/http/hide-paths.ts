// Paths of the server in what leaves it (API-30): below its home they become relative, elsewhere their last name. Whoever asks
// over HTTP learns which file is meant, never where the server keeps it.

/** No path begins after a word, `~`, `}` or another `/`: it goes on there. `/^` begins an expression. */
const BEFORE = String.raw`(?<![\w.%~/}>)\]-])`;
const ABSOLUTE = new RegExp(`${BEFORE}(?:file://)?/(?![/^*?$])[^\\s"'\`<>|,;()[\\]{}]+`, 'g');

/** Addresses of this service, not of its files. */
const ROUTE = /^\/(?:v1\/kms|healthz|readyz|metrics|version)(?:[/?#.:]|$)/;

/** Base64, which may begin like a path. */
const BYTES = /_b64$/;

const lastName = (path: string): string => {
  const [, whole, after] = /^(.*?)([:.]*)$/.exec(path)!;
  return `${whole!.replace(/\/+$/, '').split('/').at(-1)!}${after}`;
};

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** `home`: absolute, without a slash at its end. It may have spaces; other paths end at one. */
export function hidePaths(text: string, home: string): string {
  if (!text.includes('/')) return text;
  const below = new RegExp(`${BEFORE}(?:file://)?${escaped(home)}(?:/+|(?![\\w.-]))`, 'g');
  const relative = home.length > 1 ? text.replaceAll(below, (found) => (found.endsWith('/') ? '' : 'the home')) : text;
  return relative.replaceAll(ABSOLUTE, (path) => (ROUTE.test(path) ? path : lastName(path)));
}

/** Every text in a JSON value, names of members too. */
export function hidePathsIn(value: unknown, home: string): unknown {
  if (typeof value === 'string') return hidePaths(value, home);
  if (Array.isArray(value)) return value.map((one) => hidePathsIn(one, home));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      hidePaths(name, home),
      BYTES.test(name) ? one : hidePathsIn(one, home),
    ]),
  );
}
