import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import type { EndpointPaths } from '../core/paths';
import { ensurePrivateDirectory, replaceFile } from '../monitor/records';
import type { PreflightReport } from '../preflight/report';

function fileOf(paths: EndpointPaths): string {
  return join(paths.directory, 'last_test.json');
}

/** Keeps the last test beside the other records, for the report. */
export function writeLastTest(paths: EndpointPaths, report: PreflightReport): void {
  try {
    ensurePrivateDirectory(paths.directory);
    replaceFile(fileOf(paths), `${JSON.stringify(report, undefined, 2)}\n`);
  } catch {
    // That records cannot be written is told where the state itself could not be.
  }
}

/** The last test of an endpoint; known and undefined where there was none. */
export function readLastTest(paths: EndpointPaths): Observed<PreflightReport | undefined> {
  try {
    const report = JSON.parse(readFileSync(fileOf(paths), 'utf8')) as PreflightReport;
    return Array.isArray(report.layers) && Array.isArray(report.findings)
      ? known(report)
      : unknown('its record is of another form');
  } catch (error) {
    return errorCode(error) === 'ENOENT'
      ? known(undefined)
      : unknown(`its record cannot be read (${errorCode(error) ?? errorText(error)})`);
  }
}
