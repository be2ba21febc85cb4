// `governance init` of a new genesis (governance page 3, I-11): drafted on the custody machine and, when every signer is in this
// home, signed, adopted and pinned at once. Members are looked at before any passphrase is asked for. Refuses a governed store
// (Conflict), signers elsewhere without a draft to carry to them.

import { envelopeFile } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { parseGenesis, verifyGenesis } from '../../governance/genesis.ts';
import { openSession } from '../../kms/service/session.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { adoptIn, demandUngoverned } from './genesis-adopt.ts';
import { type GenesisWish, makeGenesis } from './genesis-draft.ts';
import { refuseReusedKeys } from './genesis-keys.ts';
import { type MemberSource, peopleOf } from './genesis-people.ts';
import { type GenesisOutcome, genesisResult } from './genesis-result.ts';

export interface DraftRequest extends GenesisWish {
  readonly members: readonly MemberSource[];
  readonly auditor: MemberSource | null;
  /** False: adopt at once; every signer must then be local. */
  readonly draftOnly: boolean;
  readonly confirmTime?: boolean;
}

export async function draftGenesis(request: DraftRequest, deps: OperationDeps): Promise<GenesisOutcome> {
  const people = peopleOf(await storeContext(deps), request);
  if (people.elsewhere.length > 0 && !request.draftOnly) {
    throw new RonError(
      'Usage',
      `${people.elsewhere.join(', ')} cannot sign on this machine, so the genesis is not complete`,
      {
        field: '--out',
        hint: 'Write the draft with --out FILE; each signs it with `ronctl governance init --sign FILE --signer ID --out FILE`.',
      },
    );
  }
  const session = await openSession(deps, {
    dryRun: deps.dryRun,
    confirmTime: request.confirmTime === true,
    onNotice: (text) => deps.host.log.notice(text),
  });
  try {
    demandUngoverned(session);
    const { crypto } = session.context;
    const envelope = await makeGenesis(session, request, people, deps);
    const genesis = parseGenesis(envelope);
    refuseReusedKeys(session.context, genesis);
    if (!request.draftOnly) return await adoptIn(session, verifyGenesis(crypto, envelope), deps);
    await session.close();
    return { result: genesisResult(crypto, envelope, genesis, 'draft'), file: envelopeFile(envelope) };
  } catch (error) {
    await session.abandon();
    throw error;
  }
}
