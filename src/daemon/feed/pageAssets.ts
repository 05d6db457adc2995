import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorText, HumanError } from '../../core/errors';

/** The files of the dashboard's page, by their path on the server. */
export type PageAssets = Readonly<Record<string, string>>;

/** The page, and the two files that it loads. */
export const pageFiles = ['index.html', 'dashboard.css', 'dashboard.js'] as const;

/** The folder of the page, beside the daemon's bundle. */
export const pageFolder = 'dashboard';

/** Where this daemon's page lies. */
export const pageDirectory = join(__dirname, pageFolder);

/**
 * The files of the page; empty where there is none, as outside of a bundle.
 * @throws HumanError for a page that cannot be read
 */
export function readPageAssets(directory: string): PageAssets {
  try {
    return Object.fromEntries(
      pageFiles.map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
    );
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return {};
    }
    throw new HumanError(
      `The dashboard's page in ${directory} cannot be read (${errorCode(error) ?? errorText(error)}); make it readable, or install Robo again.`,
    );
  }
}
