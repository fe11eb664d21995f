import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT } from './bundle.ts';
import { copyFile, copyProgram } from './program-files.ts';

/**
 * `node scripts/image-root.ts FOLDER`: makes the file tree of the container image, in FOLDER/root: Node, setpriv, the
 * shared libraries that both load, and the program from dist/. It has no shell, no package manager and no other file.
 * FOLDER/data is the empty data directory. Run `npm run build` first. Linux only.
 */
const APP = '/app';
const NODE = '/usr/local/bin/node';
/** The user of the image's final stage. */
const PASSWD = 'tierplane:x:65532:65532::/data:/sbin/nologin\n';

function makeRoot(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const root = join(folder, 'root');
  copyProgram(process.execPath, root, NODE);
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  if (setpriv !== undefined) copyProgram(setpriv, root);

  for (const path of filesOfPackage()) copyFile(join(ROOT, path), join(root, APP, path));
  writeLauncher(root);
  write(join(root, 'etc', 'passwd'), PASSWD);
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  mkdirSync(join(folder, 'data'));
}

/** What npm would pack, but the documents and the launcher, which needs a shell. */
function filesOfPackage(): string[] {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path).filter((path) => !/\.md$|^bin\//.test(path));
}

/** The kernel itself starts Node by this file's first line, so that no shell is needed. */
function writeLauncher(root: string): void {
  const file = join(root, APP, 'bin', 'tierplane');
  write(file, `#!${NODE} --disable-warning=ExperimentalWarning\nimport '${APP}/dist/tierplane.cjs';\n`);
  chmodSync(file, 0o755);
  symlinkSync(`${APP}/bin/tierplane`, join(root, dirname(NODE), basename(file)));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('missing folder; usage: node scripts/image-root.ts FOLDER\n');
  process.exitCode = 2;
} else {
  makeRoot(folder);
}
