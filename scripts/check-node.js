// Plain JavaScript on purpose: it must run, and speak clearly, on a Node too old for the rest. Exit 78 is EX_CONFIG.
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../node_modules/commander', import.meta.url))) {
  process.stderr.write("tierplane's packages are not installed: run `npm ci` first.\n");
  process.exit(78);
}
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `tierplane needs Node 24 or newer, this is ${process.version}. On Linux x64 and arm64 \`npm ci\` brings it along` +
      ' (do not pass --omit=optional); elsewhere install Node 24 first.\n',
  );
  process.exit(78);
}
