import type { CauseText } from './cause';
import { type CauseId, causeIds } from './causeIds';
import { causeTitles } from './causeTitles';
import { dataCauses } from './causes/data';
import { handshakeCauses } from './causes/handshake';
import { processCauses } from './causes/process';
import { reachCauses } from './causes/reach';
import { runnerCauses } from './causes/runner';
import { syncCauses } from './causes/sync';
import { upstreamCauses } from './causes/upstream';

/** An entry of the catalogue. Problems, hover, report, CLI and guide read from here. */
export interface Cause extends CauseText {
  readonly id: CauseId;
  readonly title: string;
}

const texts: Record<CauseId, CauseText> = {
  ...reachCauses,
  ...handshakeCauses,
  ...syncCauses,
  ...upstreamCauses,
  ...processCauses,
  ...dataCauses,
  ...runnerCauses,
};

/** Every cause by its id. */
export const catalogue = Object.fromEntries(
  causeIds.map((id) => [id, { id, title: causeTitles[id], ...texts[id] }]),
) as Readonly<Record<CauseId, Cause>>;
