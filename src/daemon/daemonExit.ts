/** Exit codes of a daemon (contracts: `robo monitor`). */
export const daemonExit = { asked: 0, failed: 1, usage: 64, alreadyHeld: 75 } as const;
