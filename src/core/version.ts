declare const __ROBO_VERSION__: string | undefined;

/** The product's version: written into the bundles by the build, `0.0.0-dev` outside of one. */
export const version: string =
  typeof __ROBO_VERSION__ === 'undefined' ? '0.0.0-dev' : __ROBO_VERSION__;
