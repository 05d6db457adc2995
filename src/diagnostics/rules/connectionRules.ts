import { ownFiles } from '../ownFiles';
import { ageRule } from './age';
import { closingRules } from './closing';
import { listenerRules } from './listener';
import { reachRules } from './reach';
import type { ConnectionRule } from './rule';
import { sessionRules } from './session';
import { silenceRules } from './silence';
import { stageRule, unfinishedHello } from './stage';
import { windowRules } from './windows';

/** All rules; their order does not matter. */
export const connectionRules: readonly ConnectionRule[] = [
  stageRule,
  unfinishedHello,
  ...reachRules,
  ...listenerRules,
  ...closingRules,
  ageRule,
  ...silenceRules,
  ...sessionRules,
  ...windowRules,
  ownFiles,
];
