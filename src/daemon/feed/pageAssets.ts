/** The files of the dashboard's page, by their path on the server. */
export type PageAssets = Readonly<Record<string, string>>;

declare const __ROBO_DASHBOARD__: PageAssets | undefined;

/** The daemon is one file, so that its page is a part of it; empty outside of a bundle. */
export const pageAssets: PageAssets =
  typeof __ROBO_DASHBOARD__ === 'undefined' ? {} : __ROBO_DASHBOARD__;
