import { createRequire } from 'node:module';

// The editor runs this after the extension was removed, with words of its own behind it. The work
// is that of `robo uninstall`; a bundle with the same code again would only weigh.
process.argv.splice(2, process.argv.length, 'uninstall');
createRequire(__filename)('./commandLine.cjs');
