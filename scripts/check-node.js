// Plain JavaScript on purpose: it must run, and speak clearly, on a Node too old for the rest. Exit 78 is EX_CONFIG.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `tierplane needs Node 24 or newer, this is ${process.version}. On Linux x64 and arm64 \`npm ci\` brings it along` +
      ' (do not pass --omit=optional); elsewhere install Node 24 first.\n',
  );
  process.exit(78);
}
