// Plain JavaScript: it must run, and report clearly, on a Node too old for the rest. Exit code 78 is EX_CONFIG.
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../node_modules/esbuild', import.meta.url))) {
  process.stderr.write("tierplane's packages are not installed: run `npm ci` first.\n");
  process.exit(78);
}
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `tierplane needs Node 24 or newer, found ${process.version}. On Linux x64 and arm64 \`npm ci\` installs it along` +
      ' (not with --omit=optional); elsewhere install it first.\n',
  );
  process.exit(78);
}
