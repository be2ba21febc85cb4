// The HTTP request of `--explain` for people: as it goes over the wire, then the caveats that it needs.

import { blank, line, list, type TextModel } from '../ui/text-model.ts';

/** As kms-client/explain.ts makes it. */
export interface ShownRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object | null;
  readonly caveats: readonly string[];
}

export function requestView({ method, path, headers, body, caveats }: ShownRequest): TextModel {
  return [
    line(`${method} ${path}`, 'strong'),
    ...Object.entries(headers).map(([name, value]) => line(`${name}: ${value}`)),
    ...(body === null ? [] : [blank, line(JSON.stringify(body))]),
    blank,
    ...(caveats.length === 0
      ? [line('No capability is needed.')]
      : [line('The capability must allow:'), list(caveats)]),
  ];
}
