import Mocha from 'mocha';
import { writeFileSync } from 'node:fs';
import process from 'node:process';

/** Mocha's dots and failures for people, and the same in the file ROBO_TIER_RESULT for us. */
export default class TierReporter extends Mocha.reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const result = { passed: 0, failed: 0, skipped: [], failures: [] };
    const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } =
      Mocha.Runner.constants;
    runner.on(EVENT_TEST_PASS, () => (result.passed += 1));
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      result.failed += 1;
      result.failures.push(`${test.fullTitle()}\n${error.stack ?? error.message}`);
    });
    runner.on(EVENT_TEST_PENDING, (test) => result.skipped.push(test.fullTitle()));
    runner.on(EVENT_RUN_END, () =>
      writeFileSync(process.env.ROBO_TIER_RESULT, JSON.stringify(result)),
    );
  }
}
