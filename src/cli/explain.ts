// `--explain`: a server that only says what it would be asked. Loaded by that flag.

import { Explained, explainingKms } from '../kms-client/explain.ts';
import type { OnlineService, OperationDeps } from '../operations/deps.ts';
import type { TextModel } from '../ui/text-model.ts';
import { requestView } from '../views/request.ts';

/** In the place of the server that --kms would name; what is read before is read in this home. */
export function explaining(deps: () => OperationDeps): OnlineService {
  const nowhere = (): Promise<never> => Promise.reject(new TypeError('a request that is explained is not sent'));
  return {
    name: '--explain',
    kms: () => Promise.resolve(explainingKms()),
    tlsGroup: () => null,
    reading: () => Promise.resolve(deps()),
    probe: nowhere,
    metrics: nowhere,
  };
}

/** What was about to be sent. */
export function explained(thrown: Error): { readonly data: unknown; readonly text: () => TextModel } {
  if (!(thrown instanceof Explained)) throw thrown;
  return { data: thrown.request, text: () => requestView(thrown.request) };
}
